# Copyright (c) mmevad authors. All rights reserved.
"""From outputs to actions, video by video and level by level."""
from typing import List, Tuple

import torch
from torch import Tensor

from .compiled_nms import compiled_soft
from .soft_nms import nms, soft


def candidates(logits: List[Tensor], distances: List[Tensor],
               masks: List[Tensor], points: List[Tensor], thresh: float,
               topk: int, duration: float) -> Tuple[Tensor, Tensor, Tensor]:
    """Segments (N, 2) on the grid, scores and labels of one video.

    Args:
        logits (list[Tensor]): (T_l, C).
        distances (list[Tensor]): (T_l, 2).
        masks (list[Tensor]): (T_l, ) bool.
        points (list[Tensor]): (T_l, 4).
        thresh (float): Least score.
        topk (int): Of each level.
        duration (float): Least length.
    """
    found = []
    for logit, distance, mask, point in zip(logits, distances, masks, points):
        scores = (logit.float().sigmoid() * mask[:, None]).flatten()
        index = (scores > thresh).nonzero().flatten()
        scores, order = scores[index].sort(descending=True, stable=True)
        scores, index = scores[:topk], index[order[:topk]]
        row, label = index // logit.size(1), index % logit.size(1)
        time, stride = point[row, 0], point[row, 3]
        segments = torch.stack((time - distance[row, 0] * stride,
                                time + distance[row, 1] * stride), 1)
        keep = segments[:, 1] - segments[:, 0] > duration
        found.append((segments[keep], scores[keep], label[keep]))
    return tuple(torch.cat(parts) for parts in zip(*found))


def postprocess(head, outputs: Tuple[List[Tensor], ...], points: List[Tensor],
                samples: List) -> List[Tuple[Tensor, Tensor, Tensor]]:
    """Segments in seconds, scores and labels of each video.

    Args:
        head (ActionFormerHead): Its settings.
        outputs (tuple): Logits, distances and masks of each level, of a
            batch.
        points (list[Tensor]): (T_l, 4).
        samples (list[ActionDataSample]): Metainfo of the videos.
    """
    cfg, rules, results = head.test_cfg, head.nms, []
    for i, sample in enumerate(samples):
        logits, distances, masks = ([level[i] for level in part]
                                    for part in outputs)
        found = candidates(logits, distances, [mask[0] for mask in masks],
                           points, cfg['pre_nms_thresh'], cfg['pre_nms_topk'],
                           cfg['duration_thresh'])
        segments, scores, labels = nms(*(part.cpu().numpy()
                                         for part in found), rules.method,
                                       rules.sigma, rules.iou_threshold,
                                       rules.min_score, rules.max_seg_num,
                                       rules.multiclass, rules.voting_thresh,
                                       compiled_soft() or soft)
        seconds = (segments * sample.feat_stride +
                   0.5 * sample.num_frames) / sample.fps
        results.append((torch.from_numpy(seconds).clamp(0, sample.duration),
                        torch.from_numpy(scores), torch.from_numpy(labels)))
    return results
