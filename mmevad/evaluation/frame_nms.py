# Copyright (c) mmevad authors. All rights reserved.
"""The best boxes of each class on each frame, for all at once."""
from typing import Optional

import numpy as np

from .ava_map import box_iou
from .tube_tables import FrameDetections

# Numbers in the largest array of a part.
_SIZE = 1 << 24


def nms_per_class(dets: FrameDetections,
                  iou_thr: Optional[float] = None,
                  top_k: Optional[int] = None) -> np.ndarray:
    """Greedy NMS and choice of the best boxes, by frame and class.

    Args:
        dets (FrameDetections): N boxes with scores of C classes; the rows of
            a frame follow each other.
        iou_thr (float, optional): A box that overlaps a better one that is
            kept by more is dropped. Defaults to None, which means none is.
        top_k (int, optional): Boxes to keep. Defaults to None, which means
            all.

    Returns:
        np.ndarray: (N, C) bool, whether a box is kept as a detection of a
        class. Of equal scores the first row is the better one.
    """
    kept = dets.scores > -np.inf
    change = np.diff(dets.videos, prepend=-1) != 0
    change |= np.diff(dets.frames, prepend=-1) != 0
    begin = np.flatnonzero(change)
    sizes = np.diff(np.append(begin, len(kept)))
    most = sizes.max(initial=0)
    if iou_thr is None and (top_k is None or most <= top_k):
        return kept
    count = max(1, _SIZE // max(1, most * max(most, kept.shape[1])))
    for part in range(0, len(begin), count):
        own = slice(part, part + count)
        _nms(dets, begin[own], sizes[own], iou_thr, top_k or most, kept)
    return kept


def _nms(dets: FrameDetections, begin: np.ndarray, sizes: np.ndarray,
         iou_thr: Optional[float], top_k: int, kept: np.ndarray) -> None:
    """Clear ``kept`` for the boxes dropped on G frames of n boxes at most."""
    place = np.arange(sizes.max())
    rows = begin[:, None] + np.minimum(place, sizes[:, None] - 1)  # G x n
    there = place < sizes[:, None]
    scores = np.where(there[..., None], dets.scores[rows], -np.inf)
    order = np.argsort(-scores, axis=1, kind='stable')  # G x n x C
    found = scores > -np.inf
    boxes = dets.boxes[rows]
    near = np.zeros((*rows.shape, len(place)), dtype=bool)
    if iou_thr is not None:
        first, second = np.broadcast_arrays(boxes[:, :, None], boxes[:, None])
        iou = box_iou(first.reshape(-1, 4), second.reshape(-1, 4))
        near = iou.reshape(near.shape) > iou_thr  # G x n x n
    frame = np.arange(len(rows))[:, None]
    column = np.arange(scores.shape[2])
    chosen = np.zeros(scores.shape, dtype=bool)
    number = np.zeros((len(rows), len(column)), dtype=np.int64)
    for rank in place:
        best = order[:, rank]  # G x C
        good = found[frame, best, column] & (number < top_k)
        number += good
        chosen[frame, best, column] = good
        found &= ~(near[frame, best] & good[..., None]).swapaxes(1, 2)
    kept[rows[there]] = chosen[there]
