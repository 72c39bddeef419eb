# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer, temporal action localization (arXiv 2202.07925)."""
from .head import ActionFormerHead
from .localizer import ActionFormer
from .losses import DIoULoss
from .neck import ActionFormerNeck
from .nms import SoftNMS
from .points import PointGenerator
from .score_fusion import ScoreFusion

__all__ = [
    'ActionFormer', 'ActionFormerHead', 'ActionFormerNeck', 'DIoULoss',
    'PointGenerator', 'ScoreFusion', 'SoftNMS'
]
