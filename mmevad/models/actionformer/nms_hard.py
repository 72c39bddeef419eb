# Copyright (c) mmevad authors. All rights reserved.
"""Hard NMS: segments that overlap a better one too much are dropped."""
from typing import Optional

import numpy as np

from .nms_pairs import Spans, best_first, iou

_CHUNK = 256


def hard_nms(segments: np.ndarray, scores: np.ndarray, groups: np.ndarray,
             iou_threshold: float, min_score: float,
             max_num: Optional[int]) -> np.ndarray:
    """Select the best, drop what overlaps it, go on with what is left.

    The sorted candidates are worked on in chunks: those that earlier
    selections suppress go first, all at once.

    Args:
        segments (np.ndarray): float32 (N, 2).
        scores (np.ndarray): float32 (N, ), not negative.
        groups (np.ndarray): unsigned integers (N, ); segments of different
            groups don't touch each other.
        iou_threshold (float): Overlap from which a segment is dropped.
        min_score (float): Scores have to be greater than this.
        max_num (int, optional): Return that many of the best. None: all.

    Returns:
        np.ndarray: Indices (M, ), best first; equal scores by group, then as
        given.
    """
    spans, threshold = Spans.of(segments), np.float32(iou_threshold)
    order = best_first(scores, groups)
    order = order[scores[order] > np.float32(min_score)]
    max_num = len(order) if max_num is None else max_num

    def suppressed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        overlap = iou(spans.take(first[:, None]), spans.take(second))
        return (overlap >= threshold) & (
            groups[first[:, None]] == groups[second])

    kept = order[:0]
    for begin in range(0, len(order), _CHUNK):
        if len(kept) >= max_num:
            break
        chunk = order[begin:begin + _CHUNK]
        chunk = chunk[~suppressed(kept, chunk).any(0)]
        spares = ~suppressed(chunk, chunk)
        left = np.ones(len(chunk), dtype=bool)
        selected, this = [], 0
        while left[this:].any():
            this += int(left[this:].argmax())
            selected.append(this)
            left &= spares[this]
            this += 1
        kept = np.concatenate((kept, chunk[selected]))
    return kept[:max_num]
