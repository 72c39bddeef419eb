# Copyright (c) mmevad authors. All rights reserved.
"""``nms`` of ``mmcv._ext``, in blocks of sorted boxes.

Inside a block, which boxes survive is the fixed point of "kept unless a kept
better box overlaps it"; iterating from "all kept" reaches it in as many steps
as the longest chain of suppressions, so there is no loop over boxes.
"""
import torch
from torch import Tensor

from . import torchvision_ops

BLOCK = 1024  # boxes; the IoU matrix of a block stays below 4 MiB x kept


def _overlaps(boxes1: Tensor, boxes2: Tensor, offset: int) -> Tensor:
    """(N, 4) and (M, 4) to IoU (N, M), rounded as the compiled loop does."""
    area1 = ((boxes1[:, 2] - boxes1[:, 0] + offset) *
             (boxes1[:, 3] - boxes1[:, 1] + offset))
    area2 = ((boxes2[:, 2] - boxes2[:, 0] + offset) *
             (boxes2[:, 3] - boxes2[:, 1] + offset))
    low = torch.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    high = torch.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    width, height = (high - low + offset).clamp(min=0).unbind(-1)
    inter = width * height
    return inter / (area1[:, None] + area2[None] - inter)


def _keep_in_block(over: Tensor) -> Tensor:
    """(N, N) bool, row better than column, to the kept ones, (N, ) bool."""
    over = over.triu(diagonal=1)
    keep = torch.ones(over.size(0), dtype=torch.bool, device=over.device)
    while True:
        again = ~(over & keep[:, None]).any(dim=0)
        if torch.equal(again, keep):
            return keep
        keep = again


def nms(boxes: Tensor, scores: Tensor, *, iou_threshold: float,
        offset: int) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4), x1, y1, x2, y2.
        scores: (N, ).
        iou_threshold: A box goes if a better one overlaps it by more.
        offset: 0 or 1; a box is x2 - x1 + offset wide.

    Returns:
        int64 (M, ), rows of the kept boxes, best first.
    """
    if boxes.numel() == 0:
        return boxes.new_empty((0, ), dtype=torch.long)
    if offset == 0 and torchvision_ops.available():
        return torchvision_ops.nms(boxes, scores, iou_threshold)
    # this very call, not a stable one, decides ties in the compiled function
    order = scores.sort(0, descending=True)[1]
    boxes = boxes[order]
    kept = order.new_empty((0, ))
    for start in range(0, len(boxes), BLOCK):
        block = torch.arange(
            start, min(start + BLOCK, len(boxes)), device=boxes.device)
        over = _overlaps(boxes[kept], boxes[block], offset) > iou_threshold
        block = block[~over.any(dim=0)]
        over = _overlaps(boxes[block], boxes[block], offset) > iou_threshold
        kept = torch.cat([kept, block[_keep_in_block(over)]])
    return order[kept]
