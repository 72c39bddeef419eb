# Copyright (c) mmevad authors. All rights reserved.
"""Averaging RoIAlign as bags of rows.

With the map flattened to one row of channels per pixel, a bin's average is a
weighted sum of rows: a bag. Which rows, and how much of each, is worked out
here; summing them up is left to ``embedding_bag`` and a sparse product.
"""
from typing import Any, Iterator, NamedTuple, Tuple

import torch
from torch import Tensor

from .bilinear import Geometry, chunks, grid, neighbours, positions


class Bags(NamedTuple):
    """Bags of a group of RoIs, in the order (RoI, bin row, bin column).

    ``rows`` and ``weights`` are (S, ), bag after bag; ``counts`` says how many
    of them each bag has, (bags, ). ``rois`` indexes the RoIs of the group.
    """
    rois: Any
    rows: Tensor
    weights: Tensor
    counts: Tensor

    def starts(self) -> Tensor:
        """Where each bag begins in ``rows``, (bags, )."""
        return self.counts.cumsum(0) - self.counts

    def owners(self) -> Tensor:
        """Which bag each of ``rows`` is in, (S, )."""
        index = torch.arange(len(self.counts), device=self.counts.device)
        return index.repeat_interleave(self.counts)


def _axis(start: Tensor, length: Tensor, bins: int, per_bin: Tensor, most: int,
          size: int) -> Tuple[Tensor, Tensor]:
    """Pixels and their weights along one axis, each (N, bins, 2 * most)."""
    coord, real = positions(start, length, bins, per_bin, most)
    pixel, weight = neighbours(coord, size)
    weight = weight * real / per_bin.clamp(min=1)[:, None, None]
    # (2, N, bins, most) -> (N, bins, 2 * most)
    return (pixel.permute(1, 2, 3, 0).flatten(2), weight.permute(1, 2, 3,
                                                                 0).flatten(2))


def bags_of(geo: Geometry, map_size: Tuple[int, int],
            out_size: Tuple[int, int], sampling_ratio: int) -> Iterator[Bags]:
    """Bags of all RoIs, in groups that fit the budget.

    Args:
        geo: The RoIs.
        map_size: Height and width of the map.
        out_size: Bins per RoI, down and across.
        sampling_ratio: Samples per bin and axis; 0: one per map pixel.
    """
    (height, width), (bins_y, bins_x) = map_size, out_size
    grid_y = grid(geo.height, bins_y, sampling_ratio)
    grid_x = grid(geo.width, bins_x, sampling_ratio)
    for at, most_y, most_x in chunks(grid_y, grid_x, bins_y * bins_x,
                                     sampling_ratio):
        pixel_y, weight_y = _axis(geo.top[at], geo.height[at], bins_y,
                                  grid_y[at], most_y, height)
        pixel_x, weight_x = _axis(geo.left[at], geo.width[at], bins_x,
                                  grid_x[at], most_x, width)
        first = geo.image[at][:, None, None] * (height * width)
        # (N, bins_y, bins_x, samples_y, samples_x)
        rows = ((first + pixel_y * width)[:, :, None, :, None] +
                pixel_x[:, None, :, None, :])
        weights = weight_y[:, :, None, :, None] * weight_x[:, None, :, None, :]
        if sampling_ratio > 0:
            counts = rows.new_full((rows[..., 0, 0].numel(), ),
                                   rows[0, 0, 0].numel())
            yield Bags(at, rows.flatten(), weights.flatten(), counts)
            continue
        # leave out the padding, or small RoIs would cost as much as large
        used = weights != 0
        yield Bags(at, rows[used], weights[used],
                   used.flatten(3).sum(3).flatten())
