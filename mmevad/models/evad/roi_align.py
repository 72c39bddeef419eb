# Copyright (c) mmevad authors. All rights reserved.
"""Averaging RoIAlign of channels-last maps, without a compiled operator.

A bin is the average of ``samples ** 2`` bilinear samples, that is a weighted
sum of ``(2 * samples) ** 2`` pixels: a bag of rows of the flattened map, which
``embedding_bag`` sums up without holding them. Whatever shares its boxes
(time slices) shares the bags too, and each box may have a map of its own (a
level of a pyramid). The numbers are those of
``mmcv.ops.RoIAlign(aligned=True)`` to 1e-5.
"""
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# values of a group of RoIs whose bins are held before their maximum is
# taken: 1 MB in float32, near a core's cache; a GPU takes all that fit
CPU_BUDGET, CUDA_BUDGET = 1 << 18, 1 << 28
MOST_GROUPS = 64  # so that a compiled graph stays small

Size = Union[int, Tensor]


class Bags(NamedTuple):
    """Rows of a flattened map (B, n, bins, S) and their weights."""
    rows: Tensor
    weights: Tensor


def _neighbours(start: Tensor, length: Tensor, bins: int, samples: int,
                size: Size) -> Tuple[Tensor, Tensor]:
    """Pixels that the bins of RoIs average along one axis.

    Args:
        start, length (Tensor): (B, n) of the RoIs, in pixels of the map.
        bins (int): Bins per RoI.
        samples (int): Samples per bin.
        size (int or Tensor): Pixels of the map, (B, n) if they differ.

    Returns:
        tuple: Pixels and weights, (B, n, bins, 2 * samples). A sample beyond
        [-1, size] weighs nothing.
    """
    if isinstance(size, Tensor):
        size = size[..., None, None].to(start.dtype)
    step = (length / bins)[..., None, None]
    kwargs = dict(dtype=start.dtype, device=start.device)
    index = torch.arange(bins, **kwargs)[:, None]
    inside = torch.arange(samples, **kwargs) + 0.5
    coord = start[..., None, None] + index * step + inside * step / samples
    weight = ((coord >= -1) & (coord <= size)).to(coord.dtype) / samples
    coord = coord.clamp(min=0).clamp(max=size - 1)
    low = coord.floor()
    high = (low + 1).clamp(max=size - 1)
    part = coord - low
    # NaN is no pixel; it stays in the weights
    pixel = torch.cat((low, high), -1).nan_to_num().long()
    return pixel, torch.cat(((1 - part) * weight, part * weight), -1)


def bags_of(boxes: Tensor,
            scale: Union[float, Tensor],
            bins: Tuple[int, int],
            samples: int,
            size: Tuple[Size, Size],
            own_size: Optional[Tuple[Size, Size]] = None) -> Bags:
    """Bags of RoIs.

    Args:
        boxes (Tensor): (B, n, 4) xyxy.
        scale (float or Tensor): Pixels of the map per unit of the boxes,
            (B, n) if they differ.
        bins (tuple[int]): Bins per RoI, down and across.
        samples (int): Samples per bin and axis.
        size (tuple): Height and width of the map, (B, n) if they differ.
        own_size (tuple, optional): The part of the map that counts, from its
            top left corner. Defaults to None: all of it.
    """
    own_size = size if own_size is None else own_size
    if isinstance(scale, Tensor):
        scale = scale[..., None]
    left, top, right, bottom = (boxes * scale - 0.5).unbind(-1)
    pixel_y, weight_y = _neighbours(top, bottom - top, bins[0], samples,
                                    own_size[0])
    pixel_x, weight_x = _neighbours(left, right - left, bins[1], samples,
                                    own_size[1])
    pitch = size[1]
    if isinstance(pitch, Tensor):
        pitch = pitch[..., None, None]
    # (B, n, down, across, S, S)
    rows = (pixel_y * pitch)[:, :, :, None, :, None] + pixel_x[:, :, None, :,
                                                               None]
    weights = weight_y[:, :, :, None, :, None] * weight_x[:, :, None, :, None]
    return Bags(
        rows.flatten(4).flatten(2, 3),
        weights.flatten(4).flatten(2, 3))


def sum_bags(flat: Tensor, bags: Bags) -> Tensor:
    """Sum rows of a flattened map (P, C) to bins (..., C)."""
    bins = F.embedding_bag(
        bags.rows.flatten(0, -2),
        flat,
        mode='sum',
        per_sample_weights=bags.weights.flatten(0, -2).to(flat.dtype))
    return bins.unflatten(0, bags.rows.shape[:-1])


def pool_pyramid(maps: Sequence[Tensor],
                 scales: Sequence[float],
                 boxes: Tensor,
                 level: Tensor,
                 bins: int,
                 samples: int = 2,
                 own_sizes: Optional[Sequence[Tensor]] = None) -> Tensor:
    """Pool each box from its own level, all levels and clips in one call.

    Nobody has to wait for the device to learn which box is on which level.

    Args:
        maps (list[Tensor]): (B, h_l, w_l, C).
        scales (list[float]): Pixels of each map per unit of the boxes.
        boxes (Tensor): (B, n, 4) xyxy.
        level (Tensor): (B, n), index of the level of each box.
        bins (int): Bins per RoI and axis.
        samples (int): Samples per bin and axis. Defaults to 2.
        own_sizes (list[Tensor], optional): (B, 2) height and width of the
            part of each map that counts, by level. Defaults to None: all.

    Returns:
        Tensor: (B, n, bins ** 2, C).
    """

    def by_level(values: Sequence) -> Tensor:
        return sum(value * (level == i) for i, value in enumerate(values))

    size = tuple(by_level([x.size(d) for x in maps]) for d in (1, 2))
    own_size = None
    if own_sizes is not None:
        own_size = tuple(
            by_level([own[:, d, None] for own in own_sizes]) for d in (0, 1))
    bags = bags_of(boxes, by_level(scales), (bins, bins), samples, size,
                   own_size)
    firsts = [0]
    for x in maps[:-1]:
        firsts.append(firsts[-1] + x[..., 0].numel())
    image = torch.arange(len(boxes), device=boxes.device)[:, None]
    first = by_level(firsts) + image * size[0] * size[1]
    flat = torch.cat([x.flatten(0, 2) for x in maps])
    return sum_bags(flat,
                    bags._replace(rows=bags.rows + first[..., None, None]))


class SliceRoIAlign(nn.Module):
    """Largest bin of RoIs in every time slice of a clip.

    Args:
        output_size (int): Bins per axis.
        spatial_scale (float): Pixels of the map per unit of the boxes.
        sampling_ratio (int): Samples per bin and axis. Defaults to 2.
    """

    def __init__(self,
                 output_size: int,
                 spatial_scale: float,
                 sampling_ratio: int = 2) -> None:
        super().__init__()
        self.output_size = (output_size, output_size)
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio

    def forward(self,
                maps: Tensor,
                boxes: Tensor,
                own_size: Optional[Tensor] = None) -> Tensor:
        """Pool boxes.

        Args:
            maps (Tensor): (B, t, h, w, C).
            boxes (Tensor): (B, n, 4) xyxy, the same for all slices.
            own_size (Tensor, optional): (B, 2) height and width of the part
                of each clip's map that counts. Defaults to None: all of it.

        Returns:
            Tensor: (B, t, n, C), maximum over the bins.
        """
        batch, slices, height, width, channels = maps.shape
        if own_size is not None:
            own_size = own_size[:, None].unbind(-1)
        bags = bags_of(boxes, self.spatial_scale, self.output_size,
                       self.sampling_ratio, (height, width), own_size)
        first = torch.arange(batch * slices, device=boxes.device)
        first = first.view(batch, slices, 1, 1, 1) * (height * width)
        rows = (bags.rows[:, None] + first).flatten(0, 2)
        weights = bags.weights[:, None].expand(-1, slices, -1, -1, -1)
        flat, weights = maps.flatten(0, 3), weights.flatten(0, 2)
        fit = CUDA_BUDGET if maps.is_cuda else CPU_BUDGET
        fit = max(1, fit // (rows.size(1) * channels),
                  -(-len(rows) // MOST_GROUPS))
        pooled: List[Tensor] = [
            _largest(sum_bags(flat, Bags(*group)))
            for group in zip(rows.split(fit), weights.split(fit))
        ]
        return torch.cat(pooled).view(batch, slices, -1, channels)


def _largest(bins: Tensor) -> Tensor:
    """(k, bins, C) -> (k, C); a gradient needs nothing but places."""
    return bins.max(1).values if bins.requires_grad else bins.amax(1)
