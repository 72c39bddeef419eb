# Copyright (c) mmevad authors. All rights reserved.
"""1-D distance-IoU loss, label smoothing, balance of two losses."""
import torch
from mmaction.registry import MODELS
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmevad.utils.ranges import require_at_least, require_positive


def diou_loss(pred: Tensor, target: Tensor, eps: float = 1e-8) -> Tensor:
    """Distance-IoU loss of segments that share a point.

    ``1 - IoU + (rho / hull)^2`` with rho, the distance of the centres, and
    hull, the length of the smallest segment around both
    (arXiv 1911.08287, in one dimension).

    Args:
        pred (Tensor): (N, 2), distances from the point to start and end.
        target (Tensor): (N, 2), the same.
        eps (float): Least denominator. Defaults to 1e-8.

    Returns:
        Tensor: (N, ).
    """
    inter = torch.minimum(pred, target).sum(-1)
    union = pred.sum(-1) + target.sum(-1) - inter
    hull = torch.maximum(pred, target).sum(-1)
    # twice the distance of the centres
    shift = pred[:, 1] - pred[:, 0] - target[:, 1] + target[:, 0]
    distance = 0.5 * shift / hull.clamp(min=eps)
    return 1 - inter / union.clamp(min=eps) + distance.square()


@MODELS.register_module()
class DIoULoss(nn.Module):
    """Sum of :func:`diou_loss` over positive points.

    Not mmdet's loss of the same name, which is for boxes and stays in
    mmdet's registry.

    Args:
        loss_weight (float): Factor of the sum. Defaults to 1.
        eps (float): Least denominator. Defaults to 1e-8.
    """

    def __init__(self, loss_weight: float = 1., eps: float = 1e-8) -> None:
        super().__init__()
        require_at_least(0, loss_weight=loss_weight)
        require_positive(eps=eps)
        self.loss_weight = loss_weight
        self.eps = eps

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Distances (N, 2) and (N, 2) -> scalar."""
        return self.loss_weight * diou_loss(pred, target, self.eps).sum()


def smooth_labels(target: Tensor, amount: float) -> Tensor:
    """Class targets (..., C) in [0, 1] -> ``t * (1 - e) + e / (C + 1)``."""
    return target * (1 - amount) + amount / (target.size(-1) + 1)


@torch.no_grad()
def balancing_weight(loss_cls: Tensor, loss_reg: Tensor) -> Tensor:
    """Weight of the regression that makes two losses equal.

    ``cls / max(reg, 0.01)`` of their means over all ranks; a scalar.
    """
    means = torch.stack((loss_cls, loss_reg))
    all_reduce(means, op='mean')
    return means[0] / means[1].clamp(min=0.01)
