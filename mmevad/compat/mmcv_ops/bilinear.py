# Copyright (c) mmevad authors. All rights reserved.
"""Where RoIAlign samples the map, and how a sample mixes its neighbours.

Bilinear weights factorise into a vertical and a horizontal part, so one axis
at a time is worked out here; a bin's samples are the product of the two.
"""
from typing import Iterator, NamedTuple, Tuple

import torch
from torch import Tensor

BUDGET = 2**22  # index entries held at a time: 32 MiB of int64


class Geometry(NamedTuple):
    """RoIs in pixels of the map, all of length N."""
    image: Tensor  # int64, row of the batch
    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


def geometry(rois: Tensor, spatial_scale: float, aligned: bool) -> Geometry:
    """(N, 5) image, x1, y1, x2, y2 to the RoIs' places on the map.

    Raises:
        RuntimeError: If an aligned RoI on the CPU ends before it starts (so
            do the compiled functions; a GPU would have to be waited for).
    """
    rois = rois.float() if rois.dtype != torch.double else rois
    left, top, right, bottom = (rois[:, 1:] * spatial_scale -
                                (0.5 if aligned else 0.)).unbind(1)
    height, width = bottom - top, right - left
    if not aligned:
        height, width = height.clamp(min=1), width.clamp(min=1)
    elif not rois.is_cuda and bool(((height < 0) | (width < 0)).any()):
        raise RuntimeError(
            'RoIAlign got a box with x2 < x1 or y2 < y1; clip or sort its '
            'corners first.')
    return Geometry(rois[:, 0].long(), top, left, height, width)


def grid(length: Tensor, bins: int, sampling_ratio: int) -> Tensor:
    """Samples per bin along one axis, (N, ): fixed, or one per pixel."""
    if sampling_ratio > 0:
        return torch.full_like(length, sampling_ratio)
    return torch.ceil(length / bins)


def chunks(grid_y: Tensor, grid_x: Tensor, bins: int,
           sampling_ratio: int) -> Iterator[Tuple[object, int, int]]:
    """RoIs in groups whose samples fit the budget.

    Yields:
        An index of the RoIs (a slice, or int64 rows) and the largest grids
        among them. With one sample per pixel, RoIs of like size go together,
        because a group is padded to its largest grid.
    """
    count = grid_y.numel()
    if sampling_ratio > 0:
        step = max(1, BUDGET // (4 * bins * sampling_ratio**2))
        for start in range(0, count, step):
            yield slice(start, start + step), sampling_ratio, sampling_ratio
        return
    side = torch.maximum(grid_y, grid_x)
    order = side.argsort(descending=True)
    sides = side[order].clamp(min=1).tolist()
    start = 0
    while start < count:
        stop = start + max(1, int(BUDGET // (4 * bins * sides[start]**2)))
        at = order[start:stop]
        yield (at, max(1, int(grid_y[at].max())), max(1,
                                                      int(grid_x[at].max())))
        start = stop


def positions(start: Tensor, length: Tensor, bins: int, grid: Tensor,
              max_grid: int) -> Tuple[Tensor, Tensor]:
    """Coordinates of the samples along one axis.

    Args:
        start, length: (N, ) of the RoIs, in pixels.
        bins: Bins along this axis.
        grid: (N, ) samples per bin.
        max_grid: Its maximum; shorter grids are padded to it.

    Returns:
        Coordinates and whether they are no padding, (N, bins, max_grid).
    """
    bin_size = (length / bins)[:, None]
    bin_index = torch.arange(bins, dtype=start.dtype, device=start.device)
    index = torch.arange(max_grid, dtype=start.dtype, device=start.device)
    corner = start[:, None] + bin_index * bin_size
    inside = (index + 0.5) * bin_size / grid.clamp(min=1)[:, None]
    coord = corner[:, :, None] + inside[:, None, :]
    return coord, (index < grid[:, None])[:, None, :].expand_as(coord)


def neighbours(coord: Tensor, size: int) -> Tuple[Tensor, Tensor]:
    """The two pixels on either side of each coordinate, and their weights.

    Args:
        coord: (...) in pixels; beyond [-1, size] it weighs nothing.
        size: Pixels along this axis.

    Returns:
        int64 and float, (2, ...).
    """
    used = (coord >= -1) & (coord <= size)
    coord = coord.clamp(min=0)
    low = coord.floor().clamp(max=size - 1)
    high = (low + 1).clamp(max=size - 1)
    # on the last pixel both are the same one, and its weight is one
    part = torch.where(low >= size - 1, torch.zeros_like(coord), coord - low)
    weight = torch.stack([1 - part, part]) * used
    return torch.stack([low, high]).long(), weight
