# Copyright (c) mmevad authors. All rights reserved.
"""RoI features of the keyframe pyramid."""
from typing import Optional, Sequence

import torch
from torch import Tensor

from .roi_align import pool_pyramid


class KeyframeRoIExtractor:
    """RoIAlign of each box from one level of the pyramid.

    Level: ``floor(4 + log2(sqrt(area) / 224 + 1e-8))`` clamped to P2..P5,
    which is detectron2's rule.

    Args:
        roi_size (int): Bins per axis. Defaults to 7.
        featmap_strides (list[int]): Of the levels, in pixels. Defaults to
            (4, 8, 16, 32).
        patch_size (int): Pixels of a token of the backbone. Defaults to 16.
    """

    def __init__(self,
                 roi_size: int = 7,
                 featmap_strides: Sequence[int] = (4, 8, 16, 32),
                 patch_size: int = 16) -> None:
        self.roi_size = roi_size
        self.featmap_strides = list(featmap_strides)
        self.patch_size = patch_size

    def map_roi_levels(self, boxes: Tensor) -> Tensor:
        """Level (...) of each box (..., 4), 0 for P2."""
        side = boxes[..., 2:] - boxes[..., :2]
        level = torch.floor(4 + torch.log2(side.prod(-1).sqrt() / 224 + 1e-8))
        level = level.clamp(2, len(self.featmap_strides) + 1)
        # NaN is no level; what is pooled then is NaN, and so is the loss
        return level.nan_to_num(2.).long() - 2

    def pool(self,
             maps: Sequence[Tensor],
             boxes: Tensor,
             own_grid: Optional[Tensor] = None) -> Tensor:
        """Pool boxes of a batch.

        Args:
            maps (list[Tensor]): (B, h_l, w_l, C) each, finest first.
            boxes (Tensor): (B, n, 4) in pixels.
            own_grid (Tensor, optional): (B, 2) height and width of each
                clip's own token grid: what lies outside is cut off before
                pooling. Defaults to None: nothing is cut off.

        Returns:
            Tensor: (B*n, C, 7, 7), channels last in memory, which is how
            mmdet's ``DynamicConv`` reads it.
        """
        own_sizes = None
        if own_grid is not None:
            own_sizes = [
                own_grid * self.patch_size // s for s in self.featmap_strides
            ]
        bins = self.roi_size
        pooled = pool_pyramid(
            maps, [1 / s for s in self.featmap_strides],
            boxes,
            self.map_roi_levels(boxes),
            bins,
            own_sizes=own_sizes)
        return pooled.flatten(0, 1).mT.unflatten(2, (bins, bins))
