# Copyright (c) mmevad authors. All rights reserved.
"""Transforms of ground-truth boxes."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module()
class ClipBoxes(BaseTransform):
    """Clip ``gt_bboxes`` to [0, W-1] x [0, H-1] of ``img_shape``.

    Required keys: gt_bboxes (M, 4) xyxy in pixels, img_shape (H, W).
    Modified key: gt_bboxes.
    """

    def transform(self, results: dict) -> dict:
        """Clip."""
        height, width = results['img_shape'][:2]
        limit = np.array([width, height] * 2) - 1
        results['gt_bboxes'] = results['gt_bboxes'].clip(0, limit)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'
