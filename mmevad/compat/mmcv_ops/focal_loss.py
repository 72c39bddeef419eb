# Copyright (c) mmevad authors. All rights reserved.
"""``sigmoid_focal_loss_*`` of ``mmcv._ext``.

mmdet's ``FocalLoss`` calls it for tensors on a GPU; on the CPU it has Python
code of its own. Target ``C`` (one past the last class) is background.
"""
import torch
import torch.nn.functional as F
from torch import Tensor


def _parts(input: Tensor, target: Tensor, weight: Tensor):
    """Probabilities, their logarithms, one-hot targets, weight per row."""
    classes = torch.arange(input.size(1), device=input.device)
    hit = target[:, None] == classes
    prob = input.sigmoid()
    log_prob, log_not = F.logsigmoid(input), F.logsigmoid(-input)
    scale = torch.ones_like(input)
    if weight.numel():
        # as the compiled kernel: the weight of the row's target class
        inside = (target >= 0) & (target < input.size(1))
        rows = weight[target.clamp(0, input.size(1) - 1)]
        scale = torch.where(inside, rows, torch.ones_like(rows))[:, None]
    return prob, log_prob, log_not, hit, scale


def sigmoid_focal_loss_forward(input: Tensor, target: Tensor, weight: Tensor,
                               output: Tensor, *, gamma: float,
                               alpha: float) -> None:
    """Fill ``output`` (N, C) with the loss of each logit.

    Args:
        input: (N, C) logits.
        target: (N, ) int64 in [0, C].
        weight: (C, ) class weights, or empty.
        output: (N, C), filled in place.
        gamma, alpha: Focusing exponent and weight of the positives.
    """
    prob, log_prob, log_not, hit, scale = _parts(input, target, weight)
    positive = -alpha * (1 - prob)**gamma * log_prob
    negative = -(1 - alpha) * prob**gamma * log_not
    output.copy_(torch.where(hit, positive, negative) * scale)


def sigmoid_focal_loss_backward(input: Tensor, target: Tensor, weight: Tensor,
                                grad_input: Tensor, *, gamma: float,
                                alpha: float) -> None:
    """Fill ``grad_input`` (N, C) with d loss / d logit; arguments as above."""
    prob, log_prob, log_not, hit, scale = _parts(input, target, weight)
    positive = -alpha * (1 - prob)**gamma * (1 - prob -
                                             gamma * prob * log_prob)
    negative = -(1 - alpha) * prob**gamma * (
        gamma * (1 - prob) * log_not - prob)
    grad_input.copy_(torch.where(hit, positive, negative) * scale)
