# Copyright (c) mmevad authors. All rights reserved.
"""Targets and losses of ActionFormer, video by video."""
from typing import Dict, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.no_grad()
def targets(points: Tensor, segments: Tensor, labels: Tensor, num_classes: int,
            radius: float) -> Tuple[Tensor, Tensor]:
    """What the points (P, 4) of one video should predict.

    Centre sampling with a radius in strides, N > 0 segments.

    Returns:
        tuple: Classes (P, C) and distances (P, 2) in strides.
    """
    time, low, high, stride = (part[:, None] for part in points.unbind(1))
    left, right = time - segments[:, 0], segments[:, 1] - time  # (P, N)
    centre = segments.mean(1)
    begin = torch.maximum(centre - radius * stride, segments[:, 0])
    end = torch.minimum(centre + radius * stride, segments[:, 1])
    farthest = torch.maximum(left, right)
    good = ((time > begin) & (time < end) & (farthest >= low)
            & (farthest <= high))
    length = segments[:, 1] - segments[:, 0]
    length = length.repeat(len(points), 1).masked_fill(~good, float('inf'))
    shortest, chosen = length.min(1)
    alike = good & (length - shortest[:, None] <= 1e-3)
    classes = alike.to(points) @ F.one_hot(labels, num_classes).to(points)
    distances = torch.stack((left, right), -1)
    distances = distances[torch.arange(len(points)), chosen] / stride
    return classes.clamp(max=1), distances


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Sum of the sigmoid focal loss, alpha 0.25 and gamma 2."""
    prob = logits.sigmoid()
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    missed = 1 - (prob * target + (1 - prob) * (1 - target))
    weight = 0.25 * target + 0.75 * (1 - target)
    return (weight * missed**2 * loss).sum()


def diou(pred: Tensor, target: Tensor) -> Tensor:
    """Sum of the 1-D distance-IoU loss of distances (N, 2)."""
    inter = torch.minimum(pred, target).sum(1)
    union = pred.sum(1) + target.sum(1) - inter
    hull = torch.maximum(pred, target).sum(1)
    shift = 0.5 * ((pred[:, 1] - pred[:, 0]) - (target[:, 1] - target[:, 0]))
    far = shift / hull.clamp(min=1e-8)
    return (1 - inter / union.clamp(min=1e-8) + far**2).sum()


def losses(head: nn.Module, logits: Tensor, distances: Tensor, mask: Tensor,
           classes: Tensor, goal: Tensor) -> Dict[str, Tensor]:
    """Both terms; the head's average of positives follows in training.

    Args:
        head (ActionFormerHead): ``loss_normalizer`` and settings.
        logits (Tensor): (B, P, C).
        distances (Tensor): (B, P, 2).
        mask (Tensor): (B, P) bool.
        classes (Tensor): (B, P, C), of :func:`targets`.
        goal (Tensor): (B, P, 2), of :func:`targets`.
    """
    positive = (classes.sum(-1) > 0) & mask
    if head.training:
        count = max(positive.sum().item(), 1)
        momentum = head.loss_norm_momentum
        head.loss_normalizer.mul_(momentum).add_((1 - momentum) * count)
    amount = head.label_smoothing
    classes = classes * (1 - amount) + amount / (head.num_classes + 1)
    loss_cls = focal(logits[mask].float(), classes[mask])
    loss_reg = diou(distances[positive].float(), goal[positive])
    return dict(
        loss_cls=loss_cls / head.loss_normalizer,
        loss_reg=head.loss_weight * loss_reg / head.loss_normalizer)
