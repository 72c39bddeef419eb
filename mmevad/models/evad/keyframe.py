# Copyright (c) mmevad authors. All rights reserved.
"""Where the keyframe is, in time and among the tokens."""
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .token_pruning import restore_tokens


def find_keyframe(frames: int, tubelet_size: int,
                  index: Optional[int]) -> Tuple[int, int]:
    """Number of time slices of a clip, and the keyframe's index among them.

    Args:
        frames (int): Frames of the clip.
        tubelet_size (int): Frames of a time slice.
        index (int, optional): Keyframe's time slice. None: t // 2, of an
            even number t of slices.

    Raises:
        ValueError: If there is no whole number of slices, or no such slice.
    """
    if frames % tubelet_size:
        raise ValueError(
            f'a clip of {frames} frames cannot be cut into tubelets of '
            f'{tubelet_size}; use a multiple of {tubelet_size}')
    slices = frames // tubelet_size
    if index is None and slices % 2:
        raise ValueError(
            f'a clip of {frames} frames gives an odd number of time slices '
            f'({slices}), which has no keyframe at its half; use a multiple '
            f'of {2 * tubelet_size} frames or set keyframe_index')
    index = slices // 2 if index is None else index
    if not 0 <= index < slices:
        raise ValueError(f'keyframe_index={index} is not one of the {slices} '
                         f'time slices, 0 to {slices - 1}')
    return slices, index


def keyframe_first(x: Tensor, slices: int, key: int) -> Tensor:
    """Tokens (B, slices * spot, ...) with those of slice ``key`` in front.

    Args:
        x (Tensor): Tokens, slice after slice.
        slices (int): Time slices.
        key (int): Keyframe's slice.
    """
    spot = x.size(1) // slices
    before, own, behind = x.split(
        (key * spot, spot, (slices - 1 - key) * spot), 1)
    return torch.cat((own, before, behind), 1)


def keyframe_weights(ids: Tensor, spot: int, key: int,
                     weight: float) -> Optional[Tensor]:
    """Weights of tokens as queries.

    Args:
        ids (Tensor): (B, N) place of each token in the full map.
        spot (int): Tokens of a time slice.
        key (int): Keyframe's slice.
        weight (float): Of the keyframe's tokens; all others weigh 1.

    Returns:
        Tensor, optional: (B, N) float32; None if all weigh 1.
    """
    if weight == 1:
        return None
    ones = torch.ones_like(ids, dtype=torch.float32)
    return ones.masked_fill_(ids // spot == key, weight)


def keyframe_map(x: Tensor, ids: Tensor, grid: Tuple[int, int, int], key: int,
                 complete: bool, valid: Optional[Tensor],
                 scale: float) -> Tensor:
    """The keyframe's tokens as a feature map.

    Args:
        x (Tensor): (B, extra + N', C); leading extra tokens do not count.
        ids (Tensor): (B, N') place of each token in the full map.
        grid (tuple[int]): (t, h, w) of the full map.
        key (int): Keyframe's slice.
        complete (bool): Whether all of its tokens are there, in front.
            Otherwise the places of those that are not are zero.
        valid (Tensor, optional): (B, N'), False for padding, which becomes
            zero.
        scale (float): Resizing of the map (nearest neighbour).

    Returns:
        Tensor: (B, C, h * scale, w * scale), channels last in memory.
    """
    spot = grid[1] * grid[2]
    x = x[:, x.size(1) - ids.size(1):]
    if complete:
        x = x[:, :spot]
        if valid is not None:
            x = x * valid[:, :spot, None]
    else:
        present = ids // spot == key
        if valid is not None:
            present = present & valid
        x = restore_tokens(x, ids - key * spot, spot, valid=present)
    return resize_nearest(x.unflatten(1, grid[1:]), scale)


def resize_nearest(x: Tensor, scale: float) -> Tensor:
    """Maps (B, h, w, C) -> (B, C, h * scale, w * scale), channels last.

    As ``F.interpolate``, which takes forty times as long on a CPU for such a
    layout.
    """
    if scale < 1 and (1 / scale).is_integer():
        step = round(1 / scale)
        if x.size(1) % step == 0 and x.size(2) % step == 0:
            return x[:, ::step, ::step].permute(0, 3, 1, 2)
    if scale % 1 == 0:
        batch, height, width, dims = x.shape
        side = int(scale)
        x = x[:, :, None, :, None].expand(-1, -1, side, -1, side, -1)
        x = x.reshape(batch, height * side, width * side, dims)
        return x.permute(0, 3, 1, 2)
    return F.interpolate(x.permute(0, 3, 1, 2), scale_factor=scale)
