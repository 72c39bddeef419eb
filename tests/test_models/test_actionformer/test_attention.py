import pytest
import torch

from mmevad.models.actionformer.attention import (MaskedAttention, _Windows,
                                                  global_attention,
                                                  local_attention)


def dense_attention(q, k, v, key_mask, window, relative=None):
    """Full logits, then everything outside the window excluded."""
    length = q.size(1)
    logits = torch.einsum('bihd,bjhd->bhij', q, k) * q.size(-1)**-0.5
    place = torch.arange(length) - torch.arange(length)[:, None] + window // 2
    if relative is not None:
        logits = logits + relative[:, place.clamp(0, window - 1)]
    excluded = (place < 0) | (place >= window)
    logits = logits.masked_fill(~key_mask[:, None, None], -1e4)
    logits = logits.masked_fill(excluded, float('-inf'))
    return torch.einsum('bhij,bjhd->bihd', logits.softmax(-1), v)


def random_case(length, heads=2, dim=3, batch=3, dtype=torch.float64):
    torch.manual_seed(length)
    q, k, v = (
        torch.randn(
            batch, length, heads, dim, dtype=dtype, requires_grad=True)
        for _ in range(3))
    valid = torch.arange(length) < torch.tensor(
        [length, max(1, length * 2 // 3), 1])[:, None]
    return q, k, v, valid


# one block, the edges of blocks (46 queries for a window of 19), several
@pytest.mark.parametrize('window', [3, 5, 19, 101])
@pytest.mark.parametrize('length', [1, 2, 45, 46, 47, 92, 93, 200])
@pytest.mark.parametrize('with_bias', [False, True])
def test_local_attention_is_exact(window, length, with_bias):
    q, k, v, valid = random_case(length)
    relative = None
    if with_bias:
        relative = torch.randn(
            2, window, dtype=torch.float64, requires_grad=True)
    inputs = [x for x in (q, k, v, relative) if x is not None]
    # what padded queries get is masked later
    weight = torch.randn_like(q) * valid[..., None, None]
    results = []
    for attend in (local_attention, dense_attention):
        out = attend(q, k, v, valid, window, relative)[:, :length] * weight
        results.append((out, *torch.autograd.grad(out.sum(), inputs)))
    for got, expected in zip(*results):
        assert torch.allclose(got, expected, atol=1e-12)


def test_gradients_of_windows():
    x = torch.randn(2, 11, 3, dtype=torch.float64, requires_grad=True)

    def inner(x):
        """What windows show of their own sequence."""
        windows = _Windows.apply(x, 3, 4, 2).unflatten(0, (2, 3))
        place = 4 * torch.arange(3)[:, None] + torch.arange(8) - 2
        return windows * ((place >= 0) & (place < 12))[..., None]

    assert torch.autograd.gradcheck(inner, x)
    assert torch.equal(inner(x)[1, 1], x[1, 2:10])


def test_padded_values_never_matter():
    q, k, v, valid = random_case(60)
    out = local_attention(q, k, v, valid, 19)[:, :60]
    huge = torch.where(valid[..., None, None], 0., 1e3)
    changed = local_attention(q, k + huge, v + huge, valid, 19)[:, :60]
    assert torch.equal(out[valid], changed[valid])
    assert changed.isfinite().all()


def test_window_that_covers_everything_is_global():
    q, k, v, valid = random_case(30)
    local = local_attention(q, k, v, valid, 61)[:, :30]
    assert torch.allclose(
        local[valid], global_attention(q, k, v, valid)[valid], atol=1e-12)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('window', [5, 19])
def test_half_precision_is_finite(dtype, window):
    q, k, v, valid = random_case(50, dtype=dtype)
    out = local_attention(q, k, v, valid, window)
    out.sum().backward()
    assert out.isfinite().all()
    assert all(x.grad.isfinite().all() for x in (q, k, v))


@pytest.mark.parametrize('kwargs,message', [
    (dict(window=4), 'window_size=4 is even.* use 3 or 5'),
    (dict(window=-1, use_rel_pe=True), 'use_rel_pe needs a window'),
    (dict(window=5, num_heads=3), 'not a multiple of num_heads=3'),
])
def test_impossible_attention_is_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        MaskedAttention(**dict(dict(embed_dims=8, num_heads=2), **kwargs))
