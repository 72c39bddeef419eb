# Copyright (c) mmevad authors. All rights reserved.
"""Column sums of attention maps that never exist as a whole.

With the log-sum-exp ``lse_i`` of each row of logits, which fused attention
knows, row i of the softmax is ``exp(logits_ij - lse_i)``. So the column sums
that EVAD scores tokens by (arXiv 2304.08451, eq. 1) take one more pass over
Q K^T, a tile of it at a time. The passes are operators of their own, so that
``torch.compile`` neither breaks at nor unrolls them.
"""
import itertools
import math
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)
# logits of a tile: 4 MB in float32 for each core
CPU_TILE = 1 << 20
CUDA_TILE = 1 << 26
FEWEST_ROWS = 32  # of a tile; fewer would starve the matrix product
ENOUGH_ROWS = 96  # with more, other heads had better share the tile

_cpu_op = getattr(torch.ops.aten,
                  '_scaled_dot_product_flash_attention_for_cpu', None)
_cpu_op_takes_mask = _cpu_op is not None and any(
    a.name == 'attn_mask' for a in _cpu_op.default._schema.arguments)


def attend(q: Tensor,
           k: Tensor,
           v: Tensor,
           scale: float,
           key_mask: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
    """Fused attention, and the log-sum-exp of each row of its logits.

    Args:
        q, k, v (Tensor): (B, heads, N, d).
        scale (float): Factor of the logits.
        key_mask (Tensor, optional): (B, N), False where nobody may attend.

    Returns:
        tuple: Output (B, heads, N, d) and log-sum-exp (B, heads, N), which
        is at least float32 and carries no gradient.
    """
    mask = None
    if key_mask is not None:
        mask = torch.zeros_like(key_mask, dtype=q.dtype)
        mask = mask.masked_fill(~key_mask, float('-inf'))[:, None, None]
    if q.is_cuda:
        kernel = _cuda_kernel(q.dtype, q.size(-1), mask is not None)
        if kernel == 'flash':
            out, lse = torch.ops.aten._scaled_dot_product_flash_attention(
                q, k, v, 0., False, False, scale=scale)[:2]
            return out, lse.detach()
        if kernel == 'efficient':
            out, lse = torch.ops.aten._scaled_dot_product_efficient_attention(
                q, k, v, _aligned(mask, q), True, 0., False, scale=scale)[:2]
            return out, lse[..., :q.size(2)].detach()  # rows are padded
    elif q.device.type == 'cpu' and _cpu_op is not None and (
            mask is None or _cpu_op_takes_mask):
        mask = {} if mask is None else dict(attn_mask=mask)
        out, lse = _cpu_op(q, k, v, 0., False, scale=scale, **mask)
        return out, lse.detach()
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return out, _log_sum_exp(q.detach(), k.detach(), scale, mask)


def _cuda_kernel(dtype: torch.dtype, dim: int, masked: bool) -> Optional[str]:
    """The fused kernel that ``scaled_dot_product_attention`` would take."""
    if dim % 8 or dtype not in (torch.float32, *HALF) or torch.version.hip:
        return None
    ampere = torch.cuda.get_device_capability() >= (8, 0)
    if (dtype in HALF and ampere and dim <= 256 and not masked
            and torch.backends.cuda.flash_sdp_enabled()):
        return 'flash'
    if torch.backends.cuda.mem_efficient_sdp_enabled():
        return 'efficient'
    return None


# torch.compiler.assume_constant_result, which would import the compiler
_cuda_kernel._dynamo_marked_constant = True


def _aligned(mask: Optional[Tensor], q: Tensor) -> Optional[Tensor]:
    """Mask (B, 1, 1, N) expanded over rows that begin at 16 elements."""
    if mask is None:
        return None
    batch, heads, num, _ = q.shape
    mask = F.pad(mask, (0, -num % 16))
    return mask.expand(-1, heads, num, -1)[..., :num]


def _log_sum_exp(q: Tensor, k: Tensor, scale: float,
                 mask: Optional[Tensor]) -> Tensor:
    """(B, heads, N), where no kernel hands it out."""
    exact = torch.promote_types(q.dtype, torch.float32)
    keys = (k.to(exact) * scale).transpose(-2, -1)
    rows = max(1, CPU_TILE // (q.size(0) * q.size(1) * q.size(2)))
    parts = []
    for tile in q.to(exact).split(rows, 2):
        logits = tile @ keys
        parts.append((logits if mask is None else logits + mask).logsumexp(-1))
    return torch.cat(parts, 2)


def _rows_per_tile(q: Tensor) -> int:
    """Rows of Q K^T (N wide, of one head) that are held at a time."""
    size = CUDA_TILE if q.is_cuda else CPU_TILE * torch.get_num_threads()
    if q.dtype in HALF:  # there is a second one in float32
        size //= 2
    return max(FEWEST_ROWS, size // q.size(2))


def _column_sums(q: Tensor, k: Tensor, row_bias: Tensor,
                 scale: float) -> Tensor:
    """Sum over heads and rows i of ``exp(scale * q_i k_j + row_bias_i)``.

    Args:
        q, k (Tensor): (B, heads, N, d).
        row_bias (Tensor): (B, heads, N), at least float32 and finite:
            ``log w - lse``.
        scale (float): Factor of the logits.

    Returns:
        Tensor: (B, N) of the dtype of ``row_bias``.
    """
    if q.is_cuda:
        from . import importance_triton  # Triton takes long to import
        if importance_triton.usable(q):
            return importance_triton.column_sums(q, k, row_bias, scale)
    return _tiled_column_sums(q, k, row_bias, scale)


def _tiled_column_sums(q: Tensor, k: Tensor, row_bias: Tensor,
                       scale: float) -> Tensor:
    """The bias becomes further columns of q, against ones in k.

    In half precision it takes three to hold it, and a scale that would round
    q is left for later. The product is then rounded only where
    ``logit - lse`` is already small.
    """
    batch, heads, num, _ = q.shape
    half, late = q.dtype in HALF, 1.
    if half and math.frexp(scale)[0] != 0.5:  # no power of two
        scale, late = 1., scale
    parts, rest = [], row_bias / late
    for _ in range(3 if half else 1):
        parts.append(rest.to(q.dtype))
        rest = rest - parts[-1]
    queries = torch.cat((q * scale, torch.stack(parts, -1)), -1)
    queries = queries.flatten(0, 1).transpose(1, 2)  # B*heads, d + 1, N
    ones = k.new_ones(()).expand(batch, heads, num, len(parts))
    keys = torch.cat((k, ones), -1).flatten(0, 1)
    rows = _rows_per_tile(q)
    # all heads at once where a tile has room, else one after the other
    group = max(1, rows // num)
    sums = row_bias.new_empty((batch * heads, num))
    for first in range(0, batch * heads, group):
        at = slice(first, first + group)
        right = queries[at]
        for start in range(0, num, rows):
            tile = torch.bmm(keys[at, start:start + rows], right)
            tile = tile.to(row_bias.dtype)
            if late != 1:
                tile *= late
            torch.sum(tile.exp_(), -1, out=sums[at, start:start + rows])
    return sums.view(batch, heads, num).sum(1)


def _attend_and_sum(q: Tensor, k: Tensor, v: Tensor, scale: float,
                    weight: Optional[Tensor],
                    key_mask: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    """Attention and its weighted column sums in a single pass over Q K^T.

    Arguments as in :func:`token_pruning.attend_and_score`; returns the output
    (B, heads, N, d) and the sums (B, N) over rows and heads.
    """
    batch, heads, num, _ = q.shape
    out = _empty_output(v)
    # a tile takes as many heads as leave it enough rows: threads share out
    # heads better than the rows of one small product
    size = _rows_per_tile(q)
    group = min(heads, max(1, size // ENOUGH_ROWS))
    rows = min(num, max(1, size // group))
    rows = -(-num // -(-num // rows))  # tiles of even size
    buffer = q.new_empty(group * rows * num)
    sums = q.new_zeros((batch, num), dtype=torch.float64)
    for b, first in itertools.product(range(batch), range(0, heads, group)):
        some = slice(first, first + group)
        keys = (k[b, some].transpose(1, 2) * scale).contiguous()
        bias = None
        if key_mask is not None:
            bias = q.new_zeros(num).masked_fill_(~key_mask[b], float('-inf'))
        for start in range(0, num, rows):
            at = slice(start, start + rows)
            queries = q[b, some, at]
            tile = buffer[:queries[..., 0].numel() * num]
            tile = tile.view(len(queries), -1, num)
            torch.bmm(queries, keys, out=tile)
            if bias is not None:
                tile += bias
            torch.softmax(tile, -1, out=tile)
            # into a strided place the product itself would be slow
            out[b, some, at] = torch.bmm(tile, v[b, some])
            if weight is None:
                sums[b] += tile.sum((0, 1))
            else:
                sums[b] += tile.sum(0).t() @ weight[b, at]
    return out, sums.to(q.dtype)


def _empty_output(v: Tensor) -> Tensor:
    """(B, heads, N, d), laid out as (B, N, heads, d)."""
    batch, heads, num, dim = v.shape
    return v.new_empty((batch, num, heads, dim)).transpose(1, 2)


_library = torch.library.Library('mmevad', 'FRAGMENT')
_library.define('column_sums(Tensor q, Tensor k, Tensor row_bias, float scale)'
                ' -> Tensor')
_library.define('attend_and_sum(Tensor q, Tensor k, Tensor v, float scale, '
                'Tensor? weight, Tensor? key_mask) -> (Tensor, Tensor)')
_library.impl('column_sums', _column_sums, 'CompositeExplicitAutograd')
_library.impl('attend_and_sum', _attend_and_sum, 'CompositeExplicitAutograd')
_library.impl('column_sums', lambda q, k, row_bias, scale: row_bias.sum(1),
              'Meta')
_library.impl(
    'attend_and_sum', lambda q, k, v, *args:
    (_empty_output(v), q.new_empty((q.size(0), q.size(2)))), 'Meta')
column_sums = torch.ops.mmevad.column_sums.default
attend_and_sum = torch.ops.mmevad.attend_and_sum.default
