# Copyright (c) mmevad authors. All rights reserved.
"""Matching and losses of EVAD, image by image, with the published weights."""
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

Matches = List[Tuple[Tensor, Tensor]]


def giou(first: Tensor, second: Tensor) -> Tensor:
    """Generalised IoU of boxes (..., 4) and (..., 4)."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1) + (
        second[..., 2:] - second[..., :2]).prod(-1)
    union = areas - inter
    low = torch.minimum(first[..., :2], second[..., :2])
    high = torch.maximum(first[..., 2:], second[..., 2:])
    hull = (high - low).clamp(min=0).prod(-1)
    return inter / union - (hull - union) / hull


@torch.no_grad()
def match(logits: Tensor, boxes: Tensor, gt_boxes: List[Tensor],
          whwh: Tensor) -> Matches:
    """Hungarian matching of one stage: queries and truths of each image."""
    matches = []
    for score, box, gts, size in zip(logits.float(), boxes, gt_boxes, whwh):
        person = score.softmax(-1)[:, 0]
        distance = torch.cdist(box / size, gts / size, p=1)
        cost = (5 * distance - 2 * person[:, None] -
                2 * giou(box[:, None], gts[None]))
        rows, columns = linear_sum_assignment(cost.cpu().numpy())
        matches.append((torch.as_tensor(rows, device=box.device),
                        torch.as_tensor(columns, device=box.device)))
    return matches


def actor_losses(logits: Tensor, boxes: Tensor, matches: Matches,
                 gt_boxes: List[Tensor], whwh: Tensor) -> Dict[str, Tensor]:
    """Weighted losses of one stage, with at least one person."""
    target = torch.ones(
        logits.shape[:2], dtype=torch.long, device=logits.device)
    l1, overlap = [], []
    for i, (queries, truths) in enumerate(matches):
        target[i, queries] = 0
        pred, gts = boxes[i, queries], gt_boxes[i][truths]
        l1.append(((pred - gts) / whwh[i]).abs().sum())
        overlap.append((1 - giou(pred, gts)).sum())
    count = max(1, sum(map(len, gt_boxes)))
    weight = logits.new_tensor([1., 0.1], dtype=torch.float32)
    loss_cls = F.cross_entropy(logits.float().flatten(0, 1), target.flatten(),
                               weight)
    return dict(
        loss_cls=2 * loss_cls,
        loss_bbox=5 * torch.stack(l1).sum() / count,
        loss_iou=2 * torch.stack(overlap).sum() / count)


def action_loss(logits: Tensor, matches: Matches,
                gt_labels: List[Tensor]) -> Tensor:
    """Mean BCE of the matched queries of one block."""
    pred, target = [], []
    for score, labels, (queries, truths) in zip(logits, gt_labels, matches):
        pred.append(score[queries])
        target.append(labels[truths])
    return F.binary_cross_entropy_with_logits(
        torch.cat(pred).float(),
        torch.cat(target).float())
