# Copyright (c) mmevad authors. All rights reserved.
"""Segment voting: kept segments become means of what they stand for."""
import numpy as np

from .nms_pairs import Spans, iou

_MAX_PAIRS = 1_000_000  # at a time, for the memory's sake


def vote(kept: np.ndarray, segments: np.ndarray, scores: np.ndarray,
         threshold: float) -> np.ndarray:
    """Mean of all segments that overlap a kept one by the threshold.

    The mean is weighted by score * IoU, with the IoU of the bare lengths.
    Segments without length have no IoU: they don't vote, and stay where they
    are when they are kept.

    Args:
        kept (np.ndarray): float32 (M, 2).
        segments (np.ndarray): float32 (N, 2), those before NMS.
        scores (np.ndarray): float32 (N, ), those before NMS.
        threshold (float): In (0, 1].

    Returns:
        np.ndarray: float32 (M, 2).
    """
    order = np.argsort(segments[:, 0])
    starts = segments[order, 0].astype(np.float64)
    begin, length = kept[:, 0].astype(np.float64), np.diff(kept)[:, 0]
    # An IoU of t leaves a voter's start only so much room: later than
    # begin + (1 - t) * length, too little of the kept segment is left;
    # earlier than end - length / t, the union is too long.
    slack = 1e-5 * length / threshold  # of float32
    first = starts.searchsorted(begin - length * (1 / threshold - 1) - slack)
    last = starts.searchsorted(begin + length * (1 - threshold) + slack,
                               'right')
    voters = np.where(length > 0, last - first, 0)
    result = kept.copy()
    chunks = (np.cumsum(voters) - voters) // _MAX_PAIRS
    for rows in np.split(
            np.arange(len(kept)),
            np.flatnonzero(np.diff(chunks)) + 1):
        row = np.repeat(np.arange(len(rows)), voters[rows])
        ahead = np.cumsum(voters[rows]) - voters[rows]
        voter = order[np.arange(len(row)) + (first[rows] - ahead)[row]]
        overlap = iou(
            Spans.of(kept[rows[row]], eps=0), Spans.of(segments[voter], eps=0))
        weights = np.where(overlap >= np.float32(threshold),
                           scores[voter] * overlap, 0)
        total = np.bincount(row, weights, len(rows))
        found = total > 0
        for side in range(2):
            summed = np.bincount(row, weights * segments[voter, side],
                                 len(rows))
            result[rows[found], side] = summed[found] / total[found]
    return result
