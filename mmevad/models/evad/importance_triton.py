# Copyright (c) mmevad authors. All rights reserved.
"""Column sums of attention maps on CUDA, as one Triton kernel.

Triton comes with the CUDA wheels of torch; without it the tiles of
:mod:`.importance` do the same. This file imports nothing of the package, so
that Triton's interpreter can run it by itself (TRITON_INTERPRET=1).
"""
import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = None

LOG2_E = 1.4426950408889634
# bytes of a query -> queries and keys that a program holds at a time, which
# take at most about 50 KB of shared memory
BLOCKS = {256: (64, 128), 512: (32, 64), 1024: (16, 32)}


def usable(q: Tensor) -> bool:
    """Whether the kernel can be launched on ``q`` (B, heads, N, d)."""
    return (triton is not None and q.is_cuda and q.size(-1) <= 256
            and q.dtype in (torch.float32, torch.float16, torch.bfloat16))


if triton is not None:

    @triton.jit
    def _sum_columns(q_ptr, k_ptr, bias_ptr, out_ptr, scale, heads, num,
                     q_batch, q_head, q_row, k_batch, k_head, k_row,
                     DIM: tl.constexpr, PADDED: tl.constexpr,
                     ROWS: tl.constexpr, COLS: tl.constexpr,
                     TF32: tl.constexpr):
        """Program (c, b * heads + h) owns a block of columns of one head and
        walks through all rows in order, so that no sum depends on timing."""
        pair = tl.program_id(1)
        batch, head = (pair // heads).to(tl.int64), pair % heads
        cols = tl.program_id(0) * COLS + tl.arange(0, COLS)
        dims = tl.arange(0, PADDED)
        q_ptr += batch * q_batch + head * q_head
        k_ptr += batch * k_batch + head * k_head
        bias_ptr += pair.to(tl.int64) * num
        # (PADDED, COLS)
        keys = tl.load(
            k_ptr + cols[None, :] * k_row + dims[:, None],
            mask=(cols[None, :] < num) & (dims[:, None] < DIM),
            other=0.)
        total = tl.zeros([COLS], dtype=tl.float32)
        for start in range(0, num, ROWS):
            rows = start + tl.arange(0, ROWS)
            queries = tl.load(
                q_ptr + rows[:, None] * q_row + dims[None, :],
                mask=(rows[:, None] < num) & (dims[None, :] < DIM),
                other=0.)
            bias = tl.load(
                bias_ptr + rows, mask=rows < num, other=-float('inf'))
            logits = tl.dot(queries, keys, allow_tf32=TF32)
            total += tl.sum(tl.exp2(logits * scale + bias[:, None]), 0)
        tl.store(
            out_ptr + pair.to(tl.int64) * num + cols, total, mask=cols < num)


def column_sums(q: Tensor, k: Tensor, row_bias: Tensor,
                scale: float) -> Tensor:
    """Sum over heads and rows i of ``exp(scale * q_i k_j + row_bias_i)``.

    Each query is read once for every block of keys, and nothing is written
    but one number per key and head; the result is the same in every run.

    Args:
        q, k (Tensor): (B, heads, N, d) of any strides, d <= 256.
        row_bias (Tensor): (B, heads, N) float32.
        scale (float): Factor of the logits.

    Returns:
        Tensor: (B, N) float32.
    """
    batch, heads, num, dim = q.shape
    q, k = (t if t.stride(-1) == 1 else t.contiguous() for t in (q, k))
    bias = (row_bias * LOG2_E).contiguous()
    sums = torch.empty_like(bias)
    padded = max(16, triton.next_power_of_2(dim))
    size = padded * q.element_size()
    rows, cols = next(block for most, block in BLOCKS.items() if size <= most)
    _sum_columns[(triton.cdiv(num, cols), batch * heads)](
        q,
        k,
        bias,
        sums,
        scale * LOG2_E,
        heads,
        num,
        *q.stride()[:3],
        *k.stride()[:3],
        DIM=dim,
        PADDED=padded,
        ROWS=rows,
        COLS=cols,
        TF32=torch.backends.cuda.matmul.allow_tf32,
        num_warps=4)
    return sums.sum(1)
