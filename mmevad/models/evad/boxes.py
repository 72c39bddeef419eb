# Copyright (c) mmevad authors. All rights reserved.
"""Box arithmetic of the two heads; boxes are xyxy in pixels."""
import math
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor

DELTA_WEIGHT = 2.  # of dx and dy
MAX_LOG_SCALE = math.log(100000. / 16)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """(..., 4) centre and size -> (..., 4) corners."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((centre - half, centre + half), -1)


def apply_deltas(deltas: Tensor, boxes: Tensor) -> Tensor:
    """Move and scale boxes by predicted deltas.

    Args:
        deltas (Tensor): (..., 4), dx and dy over the box size times 2, dw
            and dh as logarithms (clamped above at log(100000 / 16)).
        boxes (Tensor): (..., 4).

    Returns:
        Tensor: (..., 4), not clipped.
    """
    size = boxes[..., 2:] - boxes[..., :2]
    centre = boxes[..., :2] + 0.5 * size
    centre = centre + deltas[..., :2] / DELTA_WEIGHT * size
    size = size * deltas[..., 2:].clamp(max=MAX_LOG_SCALE).exp()
    return torch.cat((centre - 0.5 * size, centre + 0.5 * size), -1)


def clip_boxes(boxes: Tensor, whwh: Tensor) -> Tensor:
    """Clip (B, n, 4) to [0, W-1] x [0, H-1] given (B, 4) W, H, W, H."""
    limit = (whwh - 1)[:, None]
    return torch.minimum(boxes.clamp(min=0), limit)


def extend_boxes(boxes: Tensor, whwh: Tensor,
                 extension: Tuple[float, float]) -> Tensor:
    """Boxes with context: padded by a share of their size, then clipped.

    Args:
        boxes (Tensor): (B, n, 4).
        whwh (Tensor): (B, 4) width, height, width, height of the unpadded
            images.
        extension (tuple[float]): Share of the width and of the height
            (``x2 - x1 + 1``) that is added in all.

    Returns:
        Tensor: (B, n, 4).
    """
    side = boxes[..., 2:] - boxes[..., :2] + 1
    pad = torch.stack(
        [side[..., i] * share / 2 for i, share in enumerate(extension)], -1)
    boxes = torch.cat((boxes[..., :2] - pad, boxes[..., 2:] + pad), -1)
    return clip_boxes(boxes, whwh)


def whwh_of(img_shapes: Sequence[Tuple[int, int]],
            device: Optional[torch.device] = None) -> Tensor:
    """(height, width) of each image -> (B, 4) W, H, W, H."""
    rows: List[List[int]] = [[w, h, w, h] for h, w in img_shapes]
    table = torch.tensor(rows, dtype=torch.float32)
    return table.to(device, non_blocking=True)  # waits for nothing
