# Copyright (c) mmevad authors. All rights reserved.
"""From the outputs of the pyramid's levels to candidates, and to seconds.

ActionFormer, arXiv 2202.07925, section 3.3 (decoding) and 3.4 (inference).
"""
from typing import List, Optional, Sequence, Tuple

import torch
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmevad.structures.segments import FeatureGrid


def decode(cls_logits: Sequence[Tensor],
           offsets: Sequence[Tensor],
           masks: Sequence[Tensor],
           points: Sequence[Tensor],
           pre_nms_thresh: float,
           pre_nms_topk: Optional[int],
           duration_thresh: float = 0.) -> Tuple[Tensor, Tensor, Tensor]:
    """Candidates of all levels, before NMS; nothing waits for the device.

    Args:
        cls_logits (list[Tensor]): (B, T_l, C) of each level.
        offsets (list[Tensor]): (B, T_l, 2) distances to start and end, not
            negative, in units of the level's stride.
        masks (list[Tensor]): bool (B, T_l), True where the frame is valid.
        points (list[Tensor]): (T_l, 4) grid time, range low, range high,
            stride.
        pre_nms_thresh (float): Scores have to be greater than this.
        pre_nms_topk (int, optional): Keep that many of the best pairs of
            point and class of each level. None keeps all.
        duration_thresh (float): Segments have to be longer than this, in
            grid units; tested after the cut to ``pre_nms_topk``. Defaults
            to 0.

    Returns:
        tuple[Tensor]: segments (B, K, 2) on the feature grid, scores (B, K)
        and labels int64 (B, K), level after level, best first; equal scores
        in the order of points, then of classes. The score is -1 where there
        is none.
    """
    sizes = [logits[0].numel() for logits in cls_logits]
    num_classes = cls_logits[0].size(2)
    scores = torch.cat(list(cls_logits), 1).float().sigmoid()
    scores = scores.masked_fill(~torch.cat(list(masks), 1)[..., None], 0)
    scores = scores.flatten(1)
    # The bits of numbers that are not negative are sorted like the numbers.
    # With the place below them no two are equal, so that topk has no choice.
    last = sum(sizes) - 1
    place = torch.arange(last, -1, -1, device=scores.device)
    keys = (scores.view(torch.int32).long() << 32) | place
    keys = keys.masked_fill(scores <= pre_nms_thresh, -1)
    keys = torch.cat([
        level.topk(min(pre_nms_topk or size, size))[0]
        for level, size in zip(keys.split(sizes, 1), sizes)
    ], 1)
    found = keys >= 0
    scores = (keys >> 32).int().view(torch.float32)
    index = (last - (keys & 0xffffffff)).clamp(min=0)

    point = index.div(num_classes, rounding_mode='floor')
    time, _, _, stride = torch.cat(list(points))[point].unbind(-1)
    left, right = torch.cat(list(offsets), 1).float().gather(
        1, point[..., None].expand(-1, -1, 2)).unbind(-1)
    segments = torch.stack((time - left * stride, time + right * stride), -1)
    found &= segments[..., 1] - segments[..., 0] > duration_thresh
    return (segments, scores.masked_fill(~found,
                                         -1), index.remainder(num_classes))


def split_videos(segments: Tensor, scores: Tensor,
                 labels: Tensor) -> List[Tuple[Tensor, Tensor, Tensor]]:
    """Candidates of each video, on the CPU; all are copied at once.

    Args:
        segments, scores, labels: Output of :func:`decode`.

    Returns:
        list[tuple]: For each video segments (N, 2), scores (N, ) and labels
        int64 (N, ).
    """
    table = torch.cat((segments, scores[..., None], labels[..., None]),
                      -1).cpu()
    return [(rows[:, :2], rows[:, 2], rows[:, 3].long())
            for rows in (video[video[:, 2] >= 0] for video in table)]


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


def to_instances(segments: Tensor, scores: Tensor, labels: Tensor,
                 sample: ActionDataSample) -> InstanceData:
    """What is left after NMS, as a prediction.

    Args:
        segments (Tensor): (M, 2) on the feature grid.
        scores (Tensor): (M, ).
        labels (Tensor): (M, ).
        sample (ActionDataSample): Metainfo ``fps``, ``feat_stride``,
            ``num_frames`` and ``duration``.

    Returns:
        InstanceData: ``segments`` (M, 2) in seconds, ``scores`` and
        ``labels`` (M, ), best first.
    """
    grid = FeatureGrid(sample.fps, sample.feat_stride, sample.num_frames)
    found = InstanceData(
        segments=to_seconds(segments, grid, sample.duration),
        scores=scores,
        labels=labels)
    # the method 'none' of NMS leaves the order of the levels
    return found[scores.argsort(descending=True, stable=True)]
