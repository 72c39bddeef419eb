# Copyright (c) mmevad authors. All rights reserved.
"""RoIAlign: torchvision's where it is installed, else ``grid_sample``."""
import torch
import torch.nn.functional as F
from torch import Tensor

try:
    from torchvision.ops import roi_align as compiled_roi_align
except ImportError:
    compiled_roi_align = None

SAMPLES = 2  # per bin and axis


def _samples(start: Tensor, end: Tensor, size: int) -> Tensor:
    """Places (K, size * SAMPLES) along one axis, in pixels of the map."""
    steps = torch.arange(size * SAMPLES, device=start.device) + 0.5
    length = (end - start)[:, None] / (size * SAMPLES)
    return start[:, None] + steps * length


def plain_roi_align(maps: Tensor, rois: Tensor, size: int,
                    scale: float) -> Tensor:
    """Mean of 2x2 bilinear samples in each bin, image by image.

    Args:
        maps (Tensor): (B, C, H, W).
        rois (Tensor): (K, 5) image, x1, y1, x2, y2.
        size (int): Bins per axis.
        scale (float): Pixels of the map per pixel of the image.

    Returns:
        Tensor: (K, C, size, size).
    """
    height, width = maps.shape[2:]
    out = maps.new_zeros((len(rois), maps.size(1), size, size))
    for i, image in enumerate(maps):
        chosen = torch.nonzero(rois[:, 0] == i).flatten()
        if len(chosen) == 0:
            continue
        x1, y1, x2, y2 = (rois[chosen, 1:] * scale - 0.5).unbind(1)
        y = _samples(y1, y2, size)[:, :, None].expand(-1, -1, size * SAMPLES)
        x = _samples(x1, x2, size)[:, None].expand_as(y)
        inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
        grid = torch.stack(
            (x * 2 / max(width - 1, 1) - 1, y * 2 / max(height - 1, 1) - 1),
            -1)
        found = F.grid_sample(
            image[None],
            grid.flatten(0, 1)[None],
            padding_mode='border',
            align_corners=True)
        found = found.reshape(-1, *y.shape) * inside  # C, n, S, S
        out[chosen] = F.avg_pool2d(found, SAMPLES).transpose(0, 1)
    return out


def roi_align(maps: Tensor, rois: Tensor, size: int, scale: float) -> Tensor:
    """As :func:`plain_roi_align`, compiled if possible; float32."""
    maps, rois = maps.float(), rois.float()
    if compiled_roi_align is None:
        return plain_roi_align(maps, rois, size, scale)
    return compiled_roi_align(maps, rois, size, scale, SAMPLES, True)
