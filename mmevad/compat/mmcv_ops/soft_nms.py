# Copyright (c) mmevad authors. All rights reserved.
"""``softnms`` of ``mmcv._ext``: one row of NumPy work per selected box.

The compiled loop keeps its boxes in an array that it reorders by swapping, and
that order decides between equal scores. The same swaps are made here, so that
ties come out the same.
"""
import numpy as np
import torch
from torch import Tensor

NAIVE, LINEAR, GAUSSIAN = 0, 1, 2


def _decay(overlap: np.ndarray, iou_threshold: np.float32, sigma: np.float32,
           method: int) -> np.ndarray:
    """Factor on the score of each box, given its IoU with the chosen one."""
    if method == GAUSSIAN:
        # in float64, because NumPy's float32 exp is a few bits less exact
        power = (-(overlap * overlap) / sigma).astype(np.float64)
        return np.exp(power).astype(np.float32)
    decayed = 1 - overlap if method == LINEAR else np.zeros_like(overlap)
    return np.where(overlap >= iou_threshold, decayed, np.ones_like(overlap))


def _best(scores: np.ndarray) -> int:
    """First largest score; a NaN wins only from the first place."""
    if np.isnan(scores[0]):
        return 0
    return int(np.nan_to_num(scores, nan=-np.inf).argmax())


def _compact(table: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Drop rows as the compiled loop does: the last one fills each hole."""
    survivors = int(keep.sum())
    holes = np.flatnonzero(~keep[:survivors])
    fillers = survivors + np.flatnonzero(keep[survivors:])
    table[holes] = table[fillers[::-1]]
    return table[:survivors]


def softnms(boxes: Tensor, scores: Tensor, dets: Tensor, *,
            iou_threshold: float, sigma: float, min_score: float, method: int,
            offset: int) -> Tensor:
    """Rescore boxes by their overlap with better ones.

    Args:
        boxes: (N, 4), x1, y1, x2, y2.
        scores: (N, ).
        dets: (N, 5), filled in place: box and new score, best first.
        iou_threshold: Overlap from which ``naive`` and ``linear`` act.
        sigma: Width of the ``gaussian`` decay.
        min_score: Boxes that fall below it are dropped.
        method: 0 naive, 1 linear, 2 gaussian.
        offset: 0 or 1; a box is x2 - x1 + offset wide.

    Returns:
        int64 (M, ), rows of ``boxes`` in the order of ``dets[:M]``.
    """
    # columns: x1, y1, x2, y2, score, area
    table = np.empty((boxes.size(0), 6), dtype=np.float32)
    table[:, :4] = boxes.detach().cpu().numpy()
    table[:, 4] = scores.detach().cpu().numpy()
    table[:, 5] = ((table[:, 2] - table[:, 0] + offset) *
                   (table[:, 3] - table[:, 1] + offset))
    inds = np.arange(len(table))
    iou_threshold, sigma, min_score = map(np.float32,
                                          (iou_threshold, sigma, min_score))
    done = 0
    with np.errstate(divide='ignore', invalid='ignore'):
        while done < len(table):
            best = done + _best(table[done:, 4])
            table[[done, best]] = table[[best, done]]
            inds[[done, best]] = inds[[best, done]]
            chosen, rest = table[done], table[done + 1:]
            width = (np.minimum(chosen[2], rest[:, 2]) -
                     np.maximum(chosen[0], rest[:, 0]) + offset).clip(min=0)
            height = (np.minimum(chosen[3], rest[:, 3]) -
                      np.maximum(chosen[1], rest[:, 1]) + offset).clip(min=0)
            inter = width * height
            overlap = inter / (chosen[5] + rest[:, 5] - inter)
            rest[:, 4] *= _decay(overlap, iou_threshold, sigma, method)
            done += 1
            # not `>= min_score`: a NaN score stays, as in the compiled loop
            keep = ~(rest[:, 4] < min_score)
            if not keep.all():
                kept_inds = _compact(inds[done:], keep)
                left = _compact(rest, keep)
                table, inds = table[:done + len(left)], inds[:done +
                                                             len(kept_inds)]
    count = len(table)
    dets[:count] = dets.new_tensor(table[:, :5])
    return boxes.new_tensor(inds, dtype=torch.long)
