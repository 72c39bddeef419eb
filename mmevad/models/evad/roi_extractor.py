# Copyright (c) mmevad authors. All rights reserved.
"""RoI features of the keyframe pyramid."""
from typing import List, Optional, Sequence, Tuple

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from torch import Tensor

from .boxes import boxes_to_rois


class KeyframeRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor with detectron2's rule for the pyramid level.

    Level: ``floor(4 + log2(sqrt(area) / 224 + 1e-8))`` clamped to P2..P5.

    Args:
        patch_size (int): Pixels of a token of the backbone. Defaults to 16.
        **kwargs: Of mmdet's ``SingleRoIExtractor``.
    """

    def __init__(self, patch_size: int = 16, **kwargs) -> None:
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """Level (k,) of each RoI (k, 5), 0 for P2."""
        area = (rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2])
        level = torch.floor(4 + torch.log2(area.sqrt() / 224 + 1e-8))
        return level.clamp(2, num_levels + 1).long() - 2

    def pool(self,
             maps: Sequence[Tensor],
             boxes: Tensor,
             own_grids: Optional[List[Tuple[int, int]]] = None) -> Tensor:
        """Pool boxes of a batch.

        Args:
            maps (list[Tensor]): (B, C, h_l, w_l) each, finest first.
            boxes (Tensor): (B, n, 4) in pixels.
            own_grids (list[tuple[int]], optional): (h, w) of each clip's own
                token grid: what lies outside is cut off before pooling.
                Defaults to None: nothing is cut off.

        Returns:
            Tensor: (B*n, C, 7, 7).
        """
        # RoIAlign misreads maps that are not contiguous (channels last)
        if own_grids is None:
            return self([m.contiguous() for m in maps], boxes_to_rois(boxes))
        rois = []
        for i, (rows, cols) in enumerate(own_grids):
            height, width = rows * self.patch_size, cols * self.patch_size
            own = [
                m[i:i + 1, :, :height // s, :width // s].contiguous()
                for m, s in zip(maps, self.featmap_strides)
            ]
            rois.append(self(own, boxes_to_rois(boxes[i:i + 1])))
        return torch.cat(rois)
