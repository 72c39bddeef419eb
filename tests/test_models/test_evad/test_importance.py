"""Column sums of the softmax on every path against the whole map."""
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import mmevad  # noqa: F401
from mmevad.models.evad import importance, importance_triton, token_pruning
from mmevad.models.evad.token_pruning import (attend_and_score,
                                              class_token_importance)

PATHS = ('one pass', 'two passes', 'no log-sum-exp')
HALF = (torch.bfloat16, torch.float16)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


def plain_importance(q, k, scale, weight, mask):
    """Eq. 1, with the whole attention map."""
    logits = q @ k.transpose(-2, -1) * scale
    logits = logits.masked_fill(~mask[:, None, None], float('-inf'))
    attn = logits.softmax(-1) * (weight * mask)[:, None, :, None]
    return attn.sum(2).mean(1) / mask.sum(-1, keepdim=True)


def take(path, monkeypatch):
    """Force attend_and_score onto a path."""
    monkeypatch.setattr(token_pruning, '_one_pass',
                        lambda q: path == 'one pass')
    if path == 'no log-sum-exp':
        monkeypatch.setattr(importance, '_cpu_op', None)


def tokens(num=37, dim=8, heads=3, batch=2, dtype=torch.float, spread=1.):
    """q, k and v, laid out as a linear layer gives them."""
    torch.manual_seed(0)
    x = torch.randn(batch, num, 3, heads, dim) * spread
    return x.to(dtype).permute(2, 0, 3, 1, 4)


def check(q, k, v, scale, weight, mask, tolerance):
    every = torch.ones(len(q), q.size(2), dtype=torch.bool)
    expected = plain_importance(q.double(), k.double(), scale, weight.double(),
                                every if mask is None else mask)
    out, got = attend_and_score(q, k, v, scale, weight, mask)
    error = (got - expected).abs().max() / expected.max()
    assert error <= tolerance
    assert got.dtype == torch.promote_types(q.dtype, torch.float)
    plain = F.scaled_dot_product_attention(
        *(x.double() for x in (q, k, v)),
        attn_mask=None if mask is None else mask[:, None, None],
        scale=scale)
    assert (out - plain).abs().max() <= 10 * tolerance * plain.abs().max()
    return got, expected


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('tile', [1, 1000, 1 << 22])
@pytest.mark.parametrize('masked', [False, True])
def test_importance_equals_the_whole_map(monkeypatch, path, tile, masked):
    """With tiles of a few rows, of one head, and of several heads."""
    take(path, monkeypatch)
    monkeypatch.setattr(importance, 'CPU_TILE', tile)
    monkeypatch.setattr(importance, 'FEWEST_ROWS', 5)
    q, k, v = tokens()
    weight = torch.rand(2, 37) * 4
    weight[:, 3] = 0
    mask = torch.rand(2, 37) > 0.3 if masked else None
    got, _ = check(q, k, v, 0.3, weight, mask, 2e-6)
    if masked:
        assert not got[~mask].any()


@pytest.mark.parametrize('path', PATHS)
def test_in_double_precision(monkeypatch, path):
    take(path, monkeypatch)
    q, k, v = tokens(dtype=torch.double)
    check(q, k, v, 0.3, torch.ones(1, 37), None, 1e-13)


@pytest.mark.parametrize('path', PATHS[1:])
@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('dim', [16, 20])
def test_in_half_precision(monkeypatch, path, dtype, dim):
    """With a scale that is a power of two, and one that is not. Almost the
    same tokens as in double precision are selected."""
    take(path, monkeypatch)
    q, k, v = tokens(400, dim, 4, 1, dtype, 2.)
    got, expected = check(q, k, v, dim**-0.5, torch.ones(1, 400), None,
                          4e-3 if dtype == torch.bfloat16 else 6e-4)
    best, same = (
        set(x.topk(280).indices[0].tolist()) for x in (got, expected))
    assert len(best & same) >= 278


@pytest.mark.parametrize('path', PATHS[:2])
def test_peaked_attention(monkeypatch, path):
    """Logits in the hundreds: no overflow, nothing lost."""
    take(path, monkeypatch)
    q, k, v = tokens(spread=30.)
    assert (q @ k.transpose(-2, -1)).max() > 2000
    got, _ = check(q, k, v, 0.3, torch.ones(1, 37), None, 1e-4)
    assert torch.allclose(got.sum(1), torch.ones(2))


@pytest.mark.parametrize('batch', [1, 3])
def test_only_the_output_carries_gradient(batch):
    q, k, v = (x.requires_grad_() for x in tokens(11, batch=batch))
    mask = torch.ones(batch, 11, dtype=torch.bool)
    mask[0, 5:] = False
    out, scores = attend_and_score(q, k, v, 0.3, None, mask)
    assert not scores.requires_grad
    grads = torch.autograd.grad(out.square().sum(), (q, k, v))
    plain = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask[:, None, None], scale=0.3)
    for got, expected in zip(
            grads, torch.autograd.grad(plain.square().sum(), (q, k, v))):
        assert torch.allclose(got, expected, atol=1e-6)
    with torch.no_grad():
        other, same = attend_and_score(q, k, v, 0.3, None, mask)
    assert torch.allclose(out, other, atol=1e-6)
    assert torch.allclose(scores, same, atol=1e-7)


def test_class_token():
    q, k, _ = tokens(11)
    mask = torch.ones(2, 11, dtype=torch.bool)
    mask[0, 7:] = False
    expected = plain_importance(q, k, 0.5,
                                torch.eye(11)[:1].expand(2, -1), mask)
    assert torch.allclose(
        class_token_importance(q, k, 0.5, mask),
        expected[:, 1:] * mask.sum(-1, keepdim=True),
        atol=1e-6)


class Largest(torch.utils._python_dispatch.TorchDispatchMode):
    """Elements of the largest tensor that any operator returned."""

    def __init__(self):
        super().__init__()
        self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple) else (result, ):
            if isinstance(x, torch.Tensor):
                self.most = max(self.most, x.numel())
        return result


@pytest.mark.parametrize('path', PATHS[:2])
@pytest.mark.parametrize('num', [3000, 20000])
def test_memory_is_linear(monkeypatch, path, num):
    """No tensor is larger than q, k and v, or than the least tile."""
    take(path, monkeypatch)
    monkeypatch.setattr(importance, 'CPU_TILE', 1)
    # a dispatch mode does not see what an operator calls
    for name in ('column_sums', 'attend_and_sum'):
        monkeypatch.setattr(token_pruning, name,
                            getattr(importance, f'_{name}'))
    q, k, v = tokens(num, 4, 1, 1)
    with Largest() as seen, torch.no_grad():
        attend_and_score(q, k, v, 0.5)
    assert seen.most == importance.FEWEST_ROWS * num


@pytest.mark.skipif(
    not hasattr(torch.library, 'opcheck'), reason='needs a newer torch')
@pytest.mark.parametrize('weighted', [False, True])
def test_operators_trace(weighted):
    """Shapes, dtypes and strides are known without running them."""
    q, k, v = tokens()
    weight = torch.rand(2, 37) if weighted else None
    torch.library.opcheck(
        importance.attend_and_sum, (q, k, v, 0.5, weight, None),
        test_utils='test_faketensor')
    torch.library.opcheck(
        importance.column_sums, (q, k, torch.rand(2, 3, 37), 0.5),
        test_utils='test_faketensor')


TRITON = """
import importlib.util
import torch
spec = importlib.util.spec_from_file_location('kernel', {path!r})
kernel = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kernel)
torch.manual_seed(0)
for dtype in (torch.float32, torch.float16):
    for batch, heads, num, dim in ((2, 3, 77, 20), (1, 2, 130, 64)):
        x = torch.randn(batch, num, 3, heads, dim).to(dtype)
        q, k, _ = x.permute(2, 0, 3, 1, 4)
        logits = q.double() @ k.double().transpose(-2, -1) * dim**-0.5
        bias = torch.rand(batch, 1, num).log() - logits.logsumexp(-1)
        bias[:, :, ::5] = -1e3
        expected = (logits + bias[..., None]).exp().sum((1, 2))
        sums = kernel.column_sums(q, k, bias.float(), dim**-0.5)
        error = (sums - expected).abs().max() / expected.max()
        assert error < 2e-6, (dtype, num, dim, error)
        again = kernel.column_sums(q, k, bias.float(), dim**-0.5)
        assert torch.equal(sums, again)
"""


def test_triton_kernel_in_the_interpreter():
    """The CUDA kernel, run by Triton's interpreter on the CPU."""
    pytest.importorskip('triton', reason='Triton is not installed')
    path = Path(importance_triton.__file__)
    done = subprocess.run(
        [sys.executable, '-c',
         TRITON.format(path=str(path))],
        env=dict(os.environ, TRITON_INTERPRET='1'),
        capture_output=True,
        text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float, *HALF])
@pytest.mark.parametrize('triton', [False, True])
def test_on_a_gpu(monkeypatch, dtype, triton):
    """Every kernel of fused attention, with tiles and with Triton."""
    if not triton:
        monkeypatch.setattr(importance_triton, 'usable', lambda q: False)
    limit = 1e-5 if dtype == torch.float else 1e-2
    for dim, masked in itertools.product((20, 64, 80), (False, True)):
        q, k, v = tokens(300, dim, dtype=dtype)
        mask = torch.rand(2, 300) > 0.3 if masked else None
        weight = torch.rand(2, 300) * 4
        _, expected = attend_and_score(q.double(), k.double(), v.double(),
                                       dim**-0.5, weight, mask)
        _, got = attend_and_score(q.cuda(), k.cuda(), v.cuda(), dim**-0.5,
                                  weight.cuda(),
                                  None if mask is None else mask.cuda())
        error = (got.cpu() - expected).abs().max()
        assert error <= limit * expected.max(), (dim, masked)
