# Copyright (c) mmevad authors. All rights reserved.
"""Keyframe-centric token pruning as pure functions: score, select, restore.

EVAD (arXiv 2304.08451), Sec. 3.2 and eq. 1. Selection carries no gradient.
"""
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from .importance import attend, attend_and_sum, column_sums

LOG_ZERO = -1e3  # its exponential is zero, and half precision can hold it


def attend_and_score(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        scale: float,
        query_weight: Optional[Tensor] = None,
        key_mask: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
    """Attention, and the importance of every token.

    ``I_j = 1/(N*heads) * sum_heads sum_i w_i * softmax_attn(i, j)`` (eq. 1),
    the weighted column means of the attention map. The map never exists as a
    whole, see :mod:`.importance`; memory is linear in N.

    Args:
        q (Tensor): Queries, (B, heads, N, d).
        k (Tensor): Keys, (B, heads, N, d).
        v (Tensor): Values, (B, heads, N, d).
        scale (float): Factor of the logits.
        query_weight (Tensor, optional): w_i, (B, N) or (1, N). Defaults to
            None: 1 for all.
        key_mask (Tensor, optional): (B, N), False where a token is padding:
            it neither gives nor gets attention. Defaults to None.

    Returns:
        tuple: Output (B, heads, N, d) and importance (B, N), which is
        at least float32 and carries no gradient.
    """
    batch, heads, num, _ = q.shape
    weight = query_weight
    if key_mask is not None:
        weight = key_mask if weight is None else weight * key_mask
    if weight is not None:
        exact = torch.promote_types(q.dtype, torch.float32)
        weight = weight.to(exact).expand(batch, num)
    if _one_pass(q):
        out, sums = attend_and_sum(q, k, v, scale, weight, key_mask)
    else:
        out, row_bias = attend(q, k, v, scale, key_mask)
        row_bias = -row_bias
        if weight is not None:
            row_bias = row_bias + weight.log().clamp(min=LOG_ZERO)[:, None]
        sums = column_sums(q.detach(), k.detach(), row_bias, scale)
    count = num
    if key_mask is not None:
        count = key_mask.sum(-1, keepdim=True)
        sums = sums.masked_fill(~key_mask, 0)
    return out, sums / (count * heads)


def _one_pass(q: Tensor) -> bool:
    """Where softmax and sums share a pass: fused attention saves less than
    the second pass costs if exponentials are cheap beside products."""
    wide = q.dtype in (torch.float32, torch.float64)
    grad = torch.is_grad_enabled() and q.requires_grad
    return q.device.type == 'cpu' and wide and not grad


@torch.no_grad()
def class_token_importance(q: Tensor,
                           k: Tensor,
                           scale: float,
                           key_mask: Optional[Tensor] = None) -> Tensor:
    """Attention (B, N) that token 0 pays to the others, mean over heads.

    Args:
        q (Tensor): Queries, (B, heads, 1 + N, d), the class token in front.
        k (Tensor): Keys, (B, heads, 1 + N, d).
        scale (float): Factor of the logits.
        key_mask (Tensor, optional): (B, 1 + N), False where a token is
            padding. Defaults to None.

    Returns:
        Tensor: (B, N) float32.
    """
    logits = q[:, :, :1] @ (k * scale).transpose(-2, -1)
    if key_mask is not None:
        logits = logits.masked_fill(~key_mask[:, None, None], float('-inf'))
    return logits.softmax(-1, dtype=torch.float32).mean(1)[:, 0, 1:]


def select_tokens(
        importance: Tensor,
        keep: Sequence[int],
        valid: Optional[Tensor] = None) -> Tuple[Tensor, Optional[Tensor]]:
    """Pick the most important tokens of each clip.

    Args:
        importance (Tensor): (B, M).
        keep (Sequence[int]): Tokens to keep, per clip. Clips that keep fewer
            than the largest number are filled up with invalid tokens; those
            that lose none stay in order, as they would alone.
        valid (Tensor, optional): (B, M), False where a token is padding.
            Defaults to None: all are valid, and all of ``keep`` are equal.

    Returns:
        tuple: Kept positions (B, K) in descending order of importance, and
        which of them count (B, K), None if ``valid`` is None.
    """
    most = max(keep)
    if valid is None:
        return importance.topk(most, dim=1).indices, None
    place = torch.arange(valid.size(1), device=importance.device)
    limit = torch.tensor(keep).to(place.device, non_blocking=True)[:, None]
    whole = valid.sum(1, keepdim=True) <= limit
    importance = torch.where(whole, -place.to(importance), importance)
    importance = importance.masked_fill(~valid, float('-inf'))
    index = importance.topk(most, dim=1).indices
    return index, place[:most] < limit


def gather_tokens(tokens: Tensor, index: Tensor) -> Tensor:
    """Tokens (B, M, C) or ids (B, M) at positions ``index`` (B, K)."""
    if tokens.dim() == 2:
        return tokens.gather(1, index)
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.size(-1)))


def kept_positions(importance: Tensor, keep: Sequence[int], num_protected: int,
                   valid: Optional[Tensor]) -> Tuple[Tensor, Optional[Tensor]]:
    """Positions of the tokens that pruning leaves.

    Args:
        importance (Tensor): (B, N).
        keep (list[int]): Unprotected tokens to keep, per clip.
        num_protected (int): Leading tokens that are never dropped.
        valid (Tensor, optional): (B, N), False where a token is padding.

    Returns:
        tuple: Positions (B, K), the protected ones first, the others in
        descending order of importance, and which of them count (B, K), None
        if ``valid`` is None.
    """
    free = None if valid is None else valid[:, num_protected:]
    index, counted = select_tokens(importance[:, num_protected:], keep, free)
    first = torch.arange(num_protected, device=importance.device)
    index = torch.cat((first.expand(len(index), -1), index + num_protected), 1)
    if valid is not None:
        counted = torch.cat((valid[:, :num_protected], counted), 1)
    return index, counted


def keep_tokens(x: Tensor, ids: Tensor,
                index: Tensor) -> Tuple[Tensor, Tensor]:
    """Tokens (B, extra + N, C) and ids (B, N) at positions (B, K); extra
    leading tokens (a class token) are left alone."""
    extra = x.size(1) - ids.size(1)
    kept = gather_tokens(x[:, extra:], index)
    if extra:
        kept = torch.cat((x[:, :extra], kept), 1)
    return kept, gather_tokens(ids, index)


def drop_tokens(x: Tensor, ids: Tensor, valid: Optional[Tensor],
                importance: Tensor, keep: Sequence[int],
                num_protected: int) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
    """Drop all but the most important of the unprotected tokens.

    Args:
        x (Tensor): (B, extra + N, C); extra leading tokens are left alone.
        ids (Tensor): (B, N) place of each token in the full map.
        valid, importance, keep, num_protected: As in :func:`kept_positions`.

    Returns:
        tuple: ``x``, ``ids`` and ``valid`` of the tokens that are left.
    """
    index, valid = kept_positions(importance, keep, num_protected, valid)
    return (*keep_tokens(x, ids, index), valid)


def drop_padding(x: Tensor, ids: Tensor, valid: Tensor, keep: Sequence[int],
                 num_protected: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Drop padding that is not protected; the other tokens stay in order.

    Args:
        x, ids, valid, num_protected: As in :func:`drop_tokens`.
        keep (list[int]): Unprotected tokens of each clip that are valid.

    Returns:
        tuple: As :func:`drop_tokens`.
    """
    order = -torch.arange(ids.size(1), device=x.device).float()
    return drop_tokens(x, ids, valid, order.expand(len(ids), -1), keep,
                       num_protected)


def drop_at_random(
        x: Tensor, ids: Tensor, valid: Optional[Tensor], keep: Sequence[int],
        num_protected: int) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
    """:func:`drop_tokens` by a random importance."""
    noise = torch.rand(ids.shape, device=x.device)
    return drop_tokens(x, ids, valid, noise, keep, num_protected)


def order_tokens(tokens: Tensor, ids: Tensor, num_protected: int,
                 token_order: str) -> Tuple[Tensor, Tensor]:
    """Pair surviving tokens with the places they are restored to.

    Args:
        tokens (Tensor): (B, N', C), protected ones first, the others in
            descending order of importance.
        ids (Tensor): (B, N') place of each token in the full map.
        num_protected (int): Leading tokens that are left alone.
        token_order (str): ``'position'`` sorts tokens by their place.
            ``'importance'`` leaves the tokens and sorts the places alone, so
            that tokens land on each other's places: that is how the released
            weights were trained.

    Returns:
        tuple: Tokens (B, N', C) and places (B, N').
    """
    places, order = ids[:, num_protected:].sort(dim=1)
    places = torch.cat((ids[:, :num_protected], places), dim=1)
    if token_order == 'position':
        rest = gather_tokens(tokens[:, num_protected:], order)
        tokens = torch.cat((tokens[:, :num_protected], rest), dim=1)
    return tokens, places


def restore_tokens(tokens: Tensor,
                   ids: Tensor,
                   num_places: int,
                   fill: Optional[Tensor] = None,
                   valid: Optional[Tensor] = None) -> Tensor:
    """Put surviving tokens back on the full map.

    Args:
        tokens (Tensor): (B, N', C).
        ids (Tensor): (B, N') place of each token in the full map.
        num_places (int): N, places of the full map.
        fill (Tensor, optional): (1, 1, C) value of dropped places. Defaults
            to None: zero.
        valid (Tensor, optional): (B, N'), False for tokens that are left
            out. Defaults to None.

    Returns:
        Tensor: (B, N, C).
    """
    batch, _, dims = tokens.shape
    if valid is not None:  # a spare place takes what is left out
        ids = ids.masked_fill(~valid, num_places)
    size = num_places + (valid is not None)
    if fill is None:
        full = tokens.new_zeros((batch, size, dims))
    else:
        full = fill.to(tokens.dtype).expand(batch, size, dims)
    full = full.scatter(1, ids[..., None].expand(-1, -1, dims), tokens)
    return full[:, :num_places]
