# Copyright (c) mmevad authors. All rights reserved.
"""Local attention that every exporter follows, for sequences of any length.

Blocks of queries and the keys around them are looked up by their number, so
that no shape depends on the length but the number of blocks.
"""
from typing import Optional

import torch
from torch import Tensor


def plain_local_attention(q: Tensor,
                          k: Tensor,
                          v: Tensor,
                          key_mask: Tensor,
                          window: int,
                          block: int,
                          padded_logit: float,
                          relative: Optional[Tensor] = None) -> Tensor:
    """As :func:`local_attention`, slower, and exactly T long.

    Args:
        q, k, v, key_mask, window, relative: See :func:`local_attention`.
        block (int): Queries that are looked up together.
        padded_logit (float): Added to the logits of padded keys.

    Returns:
        Tensor: (B, T, h, d).
    """
    length, device = q.size(1), q.device
    count, keys = (length - 1) // block + 1, block + window - 1
    first = torch.arange(count, device=device)[:, None] * block
    query = (first + torch.arange(block, device=device)).flatten()
    key = (first + torch.arange(keys, device=device) - window // 2).flatten()
    outside = (key < 0) | (key >= length)
    query, key = query.clamp(max=length - 1), key.clamp(0, length - 1)

    def blocks(x: Tensor, index: Tensor, size: int) -> Tensor:
        return x.index_select(1, index).unflatten(1, (count, size))

    # (B, count, h, block or keys, d)
    q = blocks(q, query, block).transpose(2, 3)
    k, v = (blocks(x, key, keys).transpose(2, 3) for x in (k, v))
    logits = (q * q.size(-1)**-0.5) @ k.mT
    place = (
        torch.arange(keys, device=device) -
        torch.arange(block, device=device)[:, None])
    if relative is not None:
        logits = logits + relative[:, place.clamp(0, window - 1)]
    padded = ~key_mask.index_select(1, key) | outside
    padded = padded.unflatten(1, (count, keys))[:, :, None, None]
    logits = logits + padded.to(logits.dtype) * padded_logit
    logits = logits.masked_fill((place < 0) | (place >= window), float('-inf'))
    out = (logits.softmax(-1) @ v).transpose(2, 3).flatten(1, 2)
    return out.index_select(1, torch.arange(length, device=device))
