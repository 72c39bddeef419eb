"""Scoring, selecting and restoring tokens."""
import pytest
import torch

import mmevad  # noqa: F401
from mmevad.models.evad import token_pruning
from mmevad.models.evad.token_pruning import (attend_and_score,
                                              class_token_importance,
                                              drop_tokens, keep_counts,
                                              num_kept, order_tokens,
                                              restore_tokens)


def plain_importance(q, k, scale, weight, mask):
    """Eq. 1, with the whole attention map."""
    logits = q @ k.transpose(-2, -1) * scale
    logits = logits.masked_fill(~mask[:, None, None], float('-inf'))
    attn = logits.softmax(-1) * (weight * mask)[:, None, :, None]
    return attn.sum(2).mean(1) / mask.sum(-1, keepdim=True)


@pytest.mark.parametrize('tile', [1, 300, 1 << 22])
@pytest.mark.parametrize('masked', [False, True])
def test_importance_equals_the_whole_map(monkeypatch, tile, masked):
    monkeypatch.setattr(token_pruning, 'TILE_ELEMENTS', tile)
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 11, 4)
    weight = torch.rand(2, 11) * 4
    mask = torch.ones(2, 11, dtype=torch.bool)
    if masked:
        mask[0, 7:] = False
    expected = plain_importance(q, k, 0.5, weight, mask)
    out, got = attend_and_score(q, k, v, 0.5, weight, mask if masked else None)
    assert torch.allclose(got, expected, atol=1e-6)
    plain = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask[:, None, None], scale=0.5)
    assert torch.allclose(out, plain, atol=1e-5)
    assert torch.allclose(
        class_token_importance(q, k, 0.5, mask),
        plain_importance(q, k, 0.5,
                         torch.eye(11)[:1].expand(2, -1), mask)[:, 1:] *
        mask.sum(-1, keepdim=True),
        atol=1e-6)


def test_only_the_output_carries_gradient():
    q = torch.randn(1, 1, 4, 2, requires_grad=True)
    out, importance = attend_and_score(q, q, q, 1.)
    assert out.requires_grad and not importance.requires_grad
    with torch.no_grad():
        other, same = attend_and_score(q, q, q, 1.)
    assert torch.allclose(out, other) and torch.allclose(importance, same)


@pytest.mark.parametrize('rate,total,protected,kept', [
    (0.7, 1568, 196, 902),
    (0.7, 1098, 196, 573),
    (0.7, 769, 196, 343),
    (0.6, 4608, 576, 2189),
    (1.0, 100, 25, 75),
    (0.999, 100, 25, 75),
])
def test_kept_tokens(rate, total, protected, kept):
    assert num_kept(rate, total, protected) == kept


def test_published_token_counts():
    assert keep_counts([0.7] * 3, [1568, 4608], [196, 576]) == [343, 1006]


def test_rate_that_cuts_into_the_keyframe():
    message = (r'rho=0\.2 leaves 20 of N=100 tokens, which cuts into the '
               r'N1=25 keyframe')
    with pytest.raises(ValueError, match=message):
        num_kept(0.2, 100, 25)


def test_restoring_is_the_inverse_of_dropping():
    torch.manual_seed(0)
    tokens = torch.randn(2, 12, 3)
    ids = torch.arange(12).expand(2, -1)
    x, kept, valid = drop_tokens(tokens, ids, None, torch.rand(2, 12), [4, 4],
                                 3)
    assert valid is None and kept.shape == (2, 7)
    full = restore_tokens(x, kept, 12)
    present = torch.zeros(2, 12, dtype=torch.bool).scatter(1, kept, True)
    assert torch.equal(full[present], tokens[present])
    assert full[~present].abs().sum() == 0 and present.sum() == 14
    fill = torch.randn(1, 1, 3)
    assert torch.equal(
        restore_tokens(x, kept, 12, fill)[~present], fill[0].expand(10, -1))


def test_token_order():
    """'importance' pairs tokens with each other's places, as released."""
    tokens = torch.arange(5.).view(1, 5, 1)
    ids = torch.tensor([[2, 3, 9, 4, 7]])
    own, places = order_tokens(tokens, ids, 2, 'position')
    assert places.tolist() == [[2, 3, 4, 7, 9]]
    assert own.flatten().tolist() == [0, 1, 3, 4, 2]
    other, places = order_tokens(tokens, ids, 2, 'importance')
    assert places.tolist() == [[2, 3, 4, 7, 9]]
    assert other.flatten().tolist() == [0, 1, 2, 3, 4]


def test_clips_that_keep_different_numbers():
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    importance = torch.tensor([[0., 0, 5, 6, 7, 8], [0., 0, 1, 2, 3, 4]])
    ids = torch.arange(6).expand(2, -1)
    _, kept, valid = drop_tokens(
        torch.zeros(2, 6, 1), ids, valid, importance, [3, 1], 2)
    assert kept.tolist()[0] == [0, 1, 5, 4, 3] and valid[0].all()
    assert kept.tolist()[1][:3] == [0, 1, 3]
    assert valid.tolist()[1] == [True, True, True, False, False]
