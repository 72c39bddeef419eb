# Copyright (c) mmevad authors. All rights reserved.
"""torchvision's compiled operators, where torchvision is there and loads.

A torchvision built for another torch fails at import with errors of several
kinds, and one without its extension imports but has no operators; both count
as absent.
"""
import functools

import torch
from torch import Tensor


@functools.lru_cache(maxsize=None)
def available() -> bool:
    """Whether torchvision's compiled operators can be called."""
    try:
        import torchvision  # noqa: F401
        torch.ops.torchvision.nms
        torch.ops.torchvision.roi_align
        torch.ops.torchvision._roi_align_backward
    except (ImportError, OSError, RuntimeError, AttributeError):
        return False
    return True


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """(N, 4), (N, ) to the kept rows, best first; boxes have no offset."""
    return torch.ops.torchvision.nms(boxes, scores, iou_threshold)


def roi_align(input: Tensor, rois: Tensor, scale: float, height: int,
              width: int, sampling_ratio: int, aligned: bool) -> Tensor:
    """(B, C, H, W), (N, 5) to the bin averages, (N, C, height, width)."""
    return torch.ops.torchvision.roi_align(input, rois, scale, height, width,
                                           sampling_ratio, aligned)


def roi_align_backward(grad: Tensor, rois: Tensor, scale: float, shape,
                       sampling_ratio: int, aligned: bool) -> Tensor:
    """(N, C, h, w), (N, 5) to the gradient of an input of ``shape``."""
    return torch.ops.torchvision._roi_align_backward(grad, rois, scale,
                                                     grad.size(2),
                                                     grad.size(3), *shape,
                                                     sampling_ratio, aligned)
