# Copyright (c) mmevad authors. All rights reserved.
"""What a backbone says about a clip -> one vector."""
from typing import Any, List, Sequence

import torch
from torch import Tensor

from mmevad.models.evad.structures import VideoTokens

MAP_POOLS = ('mean', 'max')
TOKEN_POOLS = MAP_POOLS + ('keyframe_mean', 'keyframe_max')


def parse_pools(pool: str, known: Sequence[str]) -> List[str]:
    """'mean+max' -> ['mean', 'max'].

    Raises:
        ValueError: If one is not known.
    """
    pools = pool.split('+')
    for name in pools:
        if name not in known:
            raise ValueError(f'the pooling {name!r} is none of {known} for '
                             'these features')
    return pools


def flatten_outputs(outputs: Any) -> List[Any]:
    """The tensors and :class:`VideoTokens` in nested tuples and lists."""
    if isinstance(outputs, (Tensor, VideoTokens)):
        return [outputs]
    if isinstance(outputs, (tuple, list)):
        return [x for item in outputs for x in flatten_outputs(item)]
    return []


def pool_outputs(outputs: Any, pools: Sequence[str]) -> Tensor:
    """Pool whatever a backbone gives, and join the channels.

    Args:
        outputs: A tensor as :func:`pool_map` takes it, a
            :class:`VideoTokens`, or nested tuples and lists of these, such
            as the two pathways of SlowFast.
        pools (list[str]): Of ``MAP_POOLS``; of ``TOKEN_POOLS`` for
            :class:`VideoTokens`.

    Returns:
        Tensor: (B, channels).

    Raises:
        ValueError: If there is nothing to pool.
    """
    vectors = [
        pool_tokens(x, pools) if isinstance(x, VideoTokens) else pool_map(
            x, pools) for x in flatten_outputs(outputs)
    ]
    if not vectors:
        raise ValueError(f'{type(outputs).__name__} holds no features; choose '
                         'another layer')
    return torch.cat(vectors, 1)


def pool_map(x: Tensor, pools: Sequence[str]) -> Tensor:
    """Pool one tensor over all its places.

    Args:
        x (Tensor): (B, C), pooled by the backbone itself; (B, N, C), tokens;
            (B, C, h, w) or (B, C, t, h, w).
        pools (list[str]): Of ``MAP_POOLS``; no difference to (B, C).

    Returns:
        Tensor: (B, C * len(pools)), or (B, C).
    """
    if x.dim() == 2:
        return x
    x = x if x.dim() == 3 else x.flatten(2).mT
    pooled = dict(mean=x.mean(1), max=x.amax(1))
    return torch.cat([pooled[name] for name in pools], 1)


def pool_tokens(video: VideoTokens, pools: Sequence[str]) -> Tensor:
    """Pool the tokens that survived pruning.

    Args:
        video (VideoTokens): Output of the backbone; padding does not count.
        pools (list[str]): Of ``TOKEN_POOLS``; 'keyframe_...' takes only the
            tokens of the keyframe's time slice.

    Returns:
        Tensor: (B, C * len(pools)).
    """
    valid = video.valid
    if valid is None:
        valid = torch.ones_like(video.ids, dtype=torch.bool)
    parts = []
    for name in pools:
        wanted = valid
        if name.startswith('keyframe_'):
            wanted = valid.clone()
            wanted[:, video.num_protected:] = False
        wanted = wanted[..., None]
        if name.endswith('mean'):
            tokens = video.tokens.masked_fill(~wanted, 0)
            parts.append(tokens.sum(1) / wanted.sum(1))
        else:
            tokens = video.tokens.masked_fill(~wanted, float('-inf'))
            parts.append(tokens.amax(1))
    return torch.cat(parts, 1)
