# Copyright (c) mmevad authors. All rights reserved.
"""Plain NMS of temporal segments: one loop per rule, float32.

The rules of the released code, written for reading: also what the tests
compare with.
"""
from typing import Callable, Dict, Optional, Tuple

import numpy as np

Selection = Tuple[np.ndarray, np.ndarray]


def iou(first: np.ndarray, second: np.ndarray, eps: float) -> np.ndarray:
    """IoU of one segment (2, ) with each of (N, 2)."""
    inter = np.minimum(first[1], second[:, 1]) - np.maximum(
        first[0], second[:, 0])
    inter = np.maximum(inter, np.float32(0))
    first_len = first[1] - first[0] + np.float32(eps)
    second_len = second[:, 1] - second[:, 0] + np.float32(eps)
    union = first_len + second_len - inter
    return inter / np.where(union > 0, union, 1)


def decay(overlap: np.ndarray, method: str, sigma: float,
          iou_threshold: float) -> np.ndarray:
    """Factor on the score, by IoU."""
    if method == 'linear':
        return np.where(overlap < np.float32(iou_threshold), np.float32(1),
                        1 - overlap)
    power = -(overlap * overlap) / np.float32(sigma)
    return np.exp(power.astype(np.float64)).astype(np.float32)


def soft(segments: np.ndarray, scores: np.ndarray, method: str, sigma: float,
         iou_threshold: float, min_score: float) -> Selection:
    """Soft-NMS inside one array, which the loop reorders."""
    index, left = np.arange(len(scores)), len(scores)
    segments, scores = segments.copy(), scores.copy()
    begin = 0
    while begin < left:
        best = begin + scores[begin:left].argmax()
        for array in (index, segments, scores):
            array[[begin, best]] = array[[best, begin]]
        overlap = iou(segments[begin], segments[begin + 1:left], 1e-6)
        scores[begin + 1:left] *= decay(overlap, method, sigma, iou_threshold)
        begin += 1
        low = scores < np.float32(min_score)
        if not low[begin:left].any():
            continue
        place = begin
        while place < left:
            if low[place]:  # the last one takes its place
                left -= 1
                for array in (index, segments, scores, low):
                    array[place] = array[left]
            else:
                place += 1
    return index[:left], scores[:left]


def hard(segments: np.ndarray, scores: np.ndarray, iou_threshold: float,
         min_score: float) -> Selection:
    """Hard NMS inside one array."""
    order = np.argsort(-scores, kind='stable')
    order = order[scores[order] > np.float32(min_score)]
    kept = []
    while len(order):
        kept.append(order[0])
        overlap = iou(segments[order[0]], segments[order[1:]], 1e-6)
        order = order[1:][overlap < np.float32(iou_threshold)]
    kept = np.array(kept, dtype=np.int64)
    return kept, scores[kept]


def per_class(select: Callable[..., Selection], segments: np.ndarray,
              scores: np.ndarray, labels: np.ndarray, max_num: Optional[int],
              **kwargs: Dict) -> Selection:
    """Each class, the best of each, then the best of all (stable)."""
    kept, new = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        index, score = select(segments[members], scores[members], **kwargs)
        kept.append(members[index[:max_num]])
        new.append(score[:max_num])
    kept, new = np.concatenate(kept), np.concatenate(new)
    order = np.argsort(-new, kind='stable')[:max_num]
    return kept[order], new[order]


def vote(kept: np.ndarray, segments: np.ndarray, scores: np.ndarray,
         threshold: float) -> np.ndarray:
    """Kept segments (M, 2) become weighted means of all (N, 2)."""
    result = kept.copy()
    for row, segment in enumerate(kept):
        overlap = iou(segment, segments, 0)
        weights = np.where(overlap >= np.float32(threshold), scores * overlap,
                           0).astype(np.float64)
        if weights.sum() > 0:
            result[row] = weights @ segments / weights.sum()
    return result


def nms(segments: np.ndarray,
        scores: np.ndarray,
        labels: np.ndarray,
        method: str = 'soft',
        sigma: float = 0.5,
        iou_threshold: float = 0.1,
        min_score: float = 0.001,
        max_seg_num: Optional[int] = 200,
        multiclass: bool = True,
        voting_thresh: float = 0.,
        select: Callable[..., Selection] = soft) -> Tuple[np.ndarray, ...]:
    """All of it; arguments and result of ``SoftNMS``, as arrays.

    ``select`` is the loop of Soft-NMS.
    """
    kwargs = dict(iou_threshold=iou_threshold, min_score=min_score)
    if method != 'hard':
        kwargs.update(method=method, sigma=sigma)
    kept, new = per_class(hard if method == 'hard' else select, segments,
                          scores,
                          labels if multiclass else np.zeros_like(labels),
                          max_seg_num, **kwargs)
    result = segments[kept]
    if voting_thresh > 0 and not multiclass:
        result = vote(result, segments, scores, voting_thresh)
    return result, new, labels[kept]
