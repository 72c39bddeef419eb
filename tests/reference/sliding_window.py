# Copyright (c) mmevad authors. All rights reserved.
"""Attention in a window by overlapping chunks, as Longformer does it.

Longformer: arXiv 2004.05150. A sequence is cut into chunks of 2w that overlap
by w. The products of whole chunks are made, and a skew turns their diagonals
into columns: (T, 2w + 1) scores, one column for each place in the window.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

PADDED_LOGIT = -1e4


def chunks(x: Tensor, size: int, step: int) -> Tensor:
    """(B, T, d) -> overlapping views (B, n, size, d)."""
    batch, length, dims = x.shape
    x = x.contiguous()
    count = (length - size) // step + 1
    return x.as_strided((batch, count, size, dims),
                        (length * dims, step * dims, dims, 1))


def window_scores(query: Tensor, key: Tensor, radius: int) -> Tensor:
    """Products of each query with the keys around it.

    Args:
        query (Tensor): (B, T, d); T a multiple of 2 * radius.
        key (Tensor): (B, T, d).
        radius (int): w.

    Returns:
        Tensor: (B, T, 2w + 1), -inf outside the sequence.
    """
    batch, length, _ = query.shape
    w = radius
    blocks = length // w
    product = torch.einsum('bcxd,bcyd->bcxy', chunks(query, 2 * w, w),
                           chunks(key, 2 * w, w))
    # one more row makes rows of 2w + 1 slide along the diagonals
    skewed = F.pad(product, (0, 0, 0, 1))
    skewed = skewed.reshape(batch, blocks - 1, 2 * w, 2 * w + 1)
    out = query.new_empty((batch, blocks, w, 2 * w + 1), dtype=product.dtype)
    # keys from the query on, of the chunk that starts with its block
    out[:, :-1, :, w:] = skewed[:, :, :w, :w + 1]
    out[:, -1, :, w:] = skewed[:, -1, w:, :w + 1]
    # keys before it, of the chunk that ends with its block
    out[:, 1:, :, :w] = skewed[:, :, w - 1:-1, w + 1:]
    out[:, 0, 1:w, 1:w] = skewed[:, 0, :w - 1, w + 2:]
    out = out.reshape(batch, length, 2 * w + 1)
    # a triangle of places at each end has no key
    before = torch.ones((w, w + 1), device=out.device).tril().flip(0)
    before = before.bool()[None]
    head, tail = out[:, :w, :w + 1], out[:, -w:, -(w + 1):]
    head.masked_fill_(before, float('-inf'))
    tail.masked_fill_(before.flip(1, 2), float('-inf'))
    return out


def window_sum(weights: Tensor, value: Tensor, radius: int) -> Tensor:
    """Weighted sums of the values around each place.

    Args:
        weights (Tensor): (B, T, 2w + 1).
        value (Tensor): (B, T, d).
        radius (int): w.

    Returns:
        Tensor: (B, T, d).
    """
    batch, length, dims = value.shape
    w = radius
    blocks = length // w
    value = chunks(F.pad(value, (0, 0, w, w)), 3 * w, w)
    # places become diagonals again
    x = weights.reshape(batch, blocks, w, 2 * w + 1)
    x = F.pad(x, (0, w + 1)).reshape(batch, blocks, -1)[..., :-w]
    x = x.reshape(batch, blocks, w, 3 * w + 1)[..., :-1]
    out = torch.einsum('bcwx,bcxd->bcwd', x, value)
    return out.reshape(batch, length, dims)


def sliding_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor,
                      window: int) -> Tensor:
    """Attention of heads within a window.

    Args:
        q (Tensor): (B, h, T, d), scaled.
        k (Tensor): (B, h, T, d).
        v (Tensor): (B, h, T, d).
        mask (Tensor): (B, 1, T) bool, False for padding.
        window (int): W, odd; T is a multiple of W - 1.

    Returns:
        Tensor: (B, h, T, d).
    """
    batch, heads, length, _ = q.shape
    radius = window // 2
    scores = window_scores(q.flatten(0, 1), k.flatten(0, 1), radius)
    scores = scores.reshape(batch, heads, length, -1)
    # the logits of padding go the way of scores: products with ones
    padded = torch.zeros_like(mask[:, 0], dtype=scores.dtype)
    padded = padded.masked_fill(~mask[:, 0], PADDED_LOGIT)
    padded = window_scores(
        torch.ones_like(padded)[..., None], padded[..., None], radius)
    scores = scores + padded[:, None]
    weights = scores.softmax(-1).masked_fill(~mask[..., None], 0)
    out = window_sum(
        weights.to(v.dtype).flatten(0, 1), v.flatten(0, 1), radius)
    return out.reshape(q.shape)
