# Copyright (c) mmevad authors. All rights reserved.
"""Self-attention within a window of time, linear in the length.

ActionFormer (arXiv 2202.07925), Sec. 3.2.
"""
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmevad.utils.plain_operators import wants_plain_operators
from mmevad.utils.ranges import require_multiple, require_sizes
from .attention_plain import plain_local_attention
from .layers import MaskedConv1d, to_autocast

# added to the logits of padded keys, as in the released model: next to any
# valid key their weight is 0, among themselves they stay finite
PADDED_LOGIT = -1e4
# keys of a block are a multiple of this, which fused kernels want
KEY_MULTIPLE = 64


class _Windows(torch.autograd.Function):
    """Overlapping windows of a sequence, without copies of the overlap.

    ``unfold`` would do, but for its backward pass: it takes twice as long as
    all of the attention.
    """

    @staticmethod
    def forward(ctx, x: Tensor, count: int, step: int, halo: int) -> Tensor:
        """Cut windows.

        Args:
            x (Tensor): (B, T, C).
            count (int): n, windows per sequence; n * step >= T.
            step (int): From one window to the next.
            halo (int): Overlap on each side, at most step / 2.

        Returns:
            Tensor: (B * n, step + 2 * halo, C). What a window shows beyond
            the ends of its sequence is not specified.
        """
        batch, length, channels = x.shape
        ctx.sizes = (batch, length, count, step, halo)
        rows = batch * count * step
        padded = x.new_empty((rows + 2 * halo, channels))
        # anything finite would do
        padded[:halo] = padded[halo + rows:] = 0
        inner = padded[halo:halo + rows].view(batch, -1, channels)
        inner[:, :length] = x
        inner[:, length:] = 0
        return padded.as_strided((batch * count, step + 2 * halo, channels),
                                 (step * channels, channels, 1))

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        """Add up what the windows share."""
        batch, length, count, step, halo = ctx.sizes
        total, _, channels = grad.shape
        out = grad.new_zeros((total + 1, step, channels))
        out[:total] = grad[:, :step]
        out[1:, :2 * halo] += grad[:, step:]
        rows = out.view(-1, channels)[halo:halo + total * step]
        return rows.view(batch, -1, channels)[:, :length], None, None, None


def window_bias(window: int,
                block: int,
                key_mask: Tensor,
                dtype: torch.dtype,
                relative: Optional[Tensor] = None) -> Tensor:
    """What is added to the logits of blocks of queries.

    Args:
        window (int): W, odd.
        block (int): Queries of a block; query i of a block is in the middle
            of keys i .. i + W - 1.
        key_mask (Tensor): (B, T) bool, False for padding.
        dtype (torch.dtype): Of the logits.
        relative (Tensor, optional): (h, W), a bias for each place in the
            window.

    Returns:
        Tensor: (B * n, 1 or h, block, block + W - 1): -inf outside the
        window, -1e4 for keys that are padding or outside the sequence.
    """
    device, keys = key_mask.device, block + window - 1
    place = (
        torch.arange(keys, device=device) -
        torch.arange(block, device=device)[:, None])
    outside = (place < 0) | (place >= window)
    if relative is None:
        band = torch.zeros((1, block, keys), dtype=dtype, device=device)
    else:
        band = relative.to(dtype)[:, place.clamp(0, window - 1)]
    band = band.masked_fill(outside, float('-inf'))
    padded = torch.zeros_like(key_mask, dtype=dtype)
    padded = padded.masked_fill(~key_mask, PADDED_LOGIT)
    radius, behind = window // 2, -key_mask.size(1) % block
    padded = F.pad(padded, (radius, radius + behind), value=PADDED_LOGIT)
    return band + padded.unfold(1, keys, block).flatten(0, 1)[:, None, None]


def local_attention(q: Tensor,
                    k: Tensor,
                    v: Tensor,
                    key_mask: Tensor,
                    window: int,
                    relative: Optional[Tensor] = None) -> Tensor:
    """Query t attends to keys t - W//2 .. t + W//2.

    Queries are taken in blocks, each with the keys that its windows cover.
    Exact; time and memory are linear in T, and T can be anything.

    Args:
        q (Tensor): (B, T, h, d).
        k (Tensor): (B, T, h, d).
        v (Tensor): (B, T, h, d).
        key_mask (Tensor): (B, T) bool, False for padding. Valid queries do
            not see padding; what padded queries get is finite.
        window (int): W, odd.
        relative (Tensor, optional): (h, W), added to the logits.

    Returns:
        Tensor: (B, T', h, d), T' >= T; what comes after T is finite.
    """
    batch, length, heads, dim = q.shape
    radius = window // 2
    if radius > max(length, KEY_MULTIPLE) and not wants_plain_operators():
        # all that a query can see; memory grows with the square of windows
        if relative is not None:
            relative = relative[:, radius - length:radius + length + 1]
        radius, window = length, 2 * length + 1
    keys = -(-max(6 * radius, 1) // KEY_MULTIPLE) * KEY_MULTIPLE
    block = keys - 2 * radius
    if wants_plain_operators():
        return plain_local_attention(q, k, v, key_mask, window, block,
                                     PADDED_LOGIT, relative)
    count = -(-length // block)
    q = F.pad(q, (0, 0, 0, 0, 0, count * block - length))
    q = q.view(batch * count, block, heads, dim)
    k, v = (
        _Windows.apply(x.flatten(2), count, block,
                       radius).unflatten(-1, (heads, dim)) for x in (k, v))
    bias = window_bias(window, block, key_mask, q.dtype, relative)
    out = F.scaled_dot_product_attention(
        q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), bias)
    return out.transpose(1, 2).reshape(batch, count * block, heads, dim)


def global_attention(q: Tensor, k: Tensor, v: Tensor,
                     key_mask: Tensor) -> Tensor:
    """Every query attends to all valid keys.

    Args:
        q (Tensor): (B, T, h, d).
        k (Tensor): (B, T, h, d).
        v (Tensor): (B, T, h, d).
        key_mask (Tensor): (B, T) bool, False for padding; not all.

    Returns:
        Tensor: (B, T, h, d).
    """
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    out = F.scaled_dot_product_attention(q, k, v, key_mask[:, None, None])
    return out.transpose(1, 2)


class MaskedAttention(nn.Module):
    """Attention whose q, k and v see their neighbours first.

    Each of q, k and v is a depthwise convolution over three frames, then LN
    and a linear layer. With stride 2 the convolutions halve the rate.

    Args:
        embed_dims (int): D.
        num_heads (int): h.
        window (int): W, odd; 1 or less for global attention.
        stride (int): Defaults to 1.
        use_rel_pe (bool): Learn a bias for each head and place in the
            window. Defaults to False.
        dropout (float): After the output projection. Defaults to 0.

    Raises:
        ValueError: If the window is even, D no multiple of h, or a relative
            bias is wanted for global attention.
    """

    def __init__(self,
                 embed_dims: int,
                 num_heads: int,
                 window: int,
                 stride: int = 1,
                 use_rel_pe: bool = False,
                 dropout: float = 0.) -> None:
        super().__init__()
        require_sizes(embed_dims=embed_dims, num_heads=num_heads)
        require_multiple(embed_dims=embed_dims, num_heads=num_heads)
        if window > 1 and window % 2 == 0:
            raise ValueError(f'window_size={window} is even; a window has '
                             'a query in its middle, use '
                             f'{window - 1} or {window + 1}')
        if window <= 1 and use_rel_pe:
            raise ValueError('use_rel_pe needs a window; attention with '
                             f'window_size={window} is global')
        self.num_heads = num_heads
        self.window = window
        for name in ('query', 'key', 'value'):
            self.add_module(
                f'{name}_conv',
                MaskedConv1d(
                    embed_dims,
                    embed_dims,
                    3,
                    stride=stride,
                    groups=embed_dims,
                    bias=False))
            self.add_module(f'{name}_norm', nn.LayerNorm(embed_dims))
            self.add_module(name, nn.Linear(embed_dims, embed_dims))
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(dropout)
        self.rel_pe = None
        if use_rel_pe:
            self.rel_pe = nn.Parameter(torch.empty(num_heads, window))
            nn.init.trunc_normal_(self.rel_pe, std=(2. / embed_dims)**0.5)

    def _project(self, name: str, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T', h, d)."""
        # No mask here: padded keys have no weight, padded queries no effect.
        x = getattr(self, f'{name}_conv')(x, None)
        x = getattr(self, name)(getattr(self, f'{name}_norm')(x))
        return x.unflatten(-1, (self.num_heads, -1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend.

        Args:
            x (Tensor): (B, T, D).
            mask (Tensor): (B, T', 1) bool, of the output; False for padding.

        Returns:
            Tensor: (B, T', D), T' = ceil(T / stride); anything finite for
            padding.
        """
        x = to_autocast(x)
        q, k, v = (
            self._project(name, x) for name in ('query', 'key', 'value'))
        if self.window > 1:
            out = local_attention(q, k, v, mask[..., 0], self.window,
                                  self.rel_pe)
        else:
            out = global_attention(q, k, v, mask[..., 0])
        # without a copy of all but the last frames
        return self.proj_drop(self.proj(out.flatten(2)))[:, :mask.size(1)]
