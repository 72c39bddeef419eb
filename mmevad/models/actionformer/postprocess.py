# Copyright (c) mmevad authors. All rights reserved.
"""From the outputs of one pyramid level to candidates, and to seconds.

ActionFormer, arXiv 2202.07925, section 3.3 (decoding) and 3.4 (inference).
"""
from typing import Optional, Tuple

import torch
from torch import Tensor

from mmevad.structures.segments import FeatureGrid


def decode_level(cls_logits: Tensor,
                 offsets: Tensor,
                 mask: Tensor,
                 points: Tensor,
                 pre_nms_thresh: float,
                 pre_nms_topk: Optional[int],
                 duration_thresh: float = 0.) -> Tuple[Tensor, Tensor, Tensor]:
    """Candidates of one level of one video, before NMS.

    Args:
        cls_logits (Tensor): (T, C).
        offsets (Tensor): (T, 2) distances to start and end, not negative,
            in units of the level's stride.
        mask (Tensor): bool (T, ), True where the frame is valid.
        points (Tensor): (T, 4) grid time, range low, range high, stride.
        pre_nms_thresh (float): Scores have to be greater than this.
        pre_nms_topk (int, optional): Keep that many of the best pairs of
            point and class. None keeps all.
        duration_thresh (float): Segments have to be longer than this, in
            grid units; tested after the cut to ``pre_nms_topk``. Defaults
            to 0.

    Returns:
        tuple[Tensor]: segments (N, 2) on the feature grid, scores (N, ) and
        labels int64 (N, ), best first; equal scores in the order of points,
        then of classes.
    """
    num_classes = cls_logits.size(1)
    scores = (cls_logits.float().sigmoid() * mask[:, None]).flatten()
    index = (scores > pre_nms_thresh).nonzero().squeeze(1)
    scores = scores[index]
    if pre_nms_topk is not None and len(scores) > pre_nms_topk:
        # topk alone doesn't say which of equal scores it takes
        last = scores.topk(pre_nms_topk, sorted=False).values.min()
        tied_or_better = scores >= last
        index, scores = index[tied_or_better], scores[tied_or_better]
    scores, order = scores.sort(descending=True, stable=True)
    index = index[order[:pre_nms_topk]]
    scores = scores[:pre_nms_topk]

    point = index.div(num_classes, rounding_mode='floor')
    time, stride = points[point, 0], points[point, 3]
    left, right = offsets[point].float().unbind(1)
    segments = torch.stack((time - left * stride, time + right * stride), 1)
    keep = segments[:, 1] - segments[:, 0] > duration_thresh
    return segments[keep], scores[keep], index.remainder(num_classes)[keep]


def to_seconds(segments: Tensor, grid: FeatureGrid, duration: float) -> Tensor:
    """Segments on the feature grid -> seconds inside the video.

    Args:
        segments (Tensor): (N, 2) on the grid.
        grid (FeatureGrid): Where the features lie.
        duration (float): Of the video, in seconds.

    Returns:
        Tensor: (N, 2) seconds, clipped to [0, duration].
    """
    return grid.to_seconds(segments).clamp(0, duration)
