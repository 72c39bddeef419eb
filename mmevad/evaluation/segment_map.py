# Copyright (c) mmevad authors. All rights reserved.
"""Average precision and recall of temporal segments, as arrays.

The rules are ActivityNet's: the predictions of a class, from all videos, are
taken by score; each takes the free ground truth of its video that it overlaps
most, if their tIoU reaches the threshold. Everything is computed in float64,
for all classes, videos and thresholds at once; fractions, not percent.
"""
from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .segment_match import chunks_of, match_greedily, pair_iou, pairs_of


class Segments(NamedTuple):
    """Labelled segments of many videos, one per row.

    Attributes:
        videos (np.ndarray): (N,) int, number of the video.
        labels (np.ndarray): (N,) int, class.
        segments (np.ndarray): (N, 2) float64, start and end in seconds.
        scores (np.ndarray, optional): (N,) float64; None for ground truth.
    """

    videos: np.ndarray
    labels: np.ndarray
    segments: np.ndarray
    scores: Optional[np.ndarray] = None

    def take(self, rows: np.ndarray) -> 'Segments':
        """Rows by number or mask."""
        return Segments(*(x if x is None else x[rows] for x in self))


class SegmentScores(NamedTuple):
    """What :func:`segment_map` finds; T thresholds, C classes, K recalls.

    Attributes:
        tious (np.ndarray): (T,) thresholds of the average precision.
        classes (np.ndarray): (C,) labels that the ground truth has.
        ap (np.ndarray): (T, C) average precision.
        recall_k (tuple[int]): The K multiples.
        recall_tious (np.ndarray): (R,) thresholds of the recall.
        recall (np.ndarray): (R, K, C) recall.
        num_gts (np.ndarray): (C,) number of ground truths.
        num_preds (np.ndarray): (C,) number of predictions.
        num_ignored (int): Predictions of other labels, which count nowhere.
    """

    tious: np.ndarray
    classes: np.ndarray
    ap: np.ndarray
    recall_k: Tuple[int, ...]
    recall_tious: np.ndarray
    recall: np.ndarray
    num_gts: np.ndarray
    num_preds: np.ndarray
    num_ignored: int

    @property
    def mean_ap(self) -> np.ndarray:
        """(T,) mean over the classes."""
        return self.ap.mean(axis=1)

    @property
    def average(self) -> float:
        """Mean over classes and thresholds."""
        return float(self.ap.mean())

    @property
    def mean_recall(self) -> np.ndarray:
        """(R, K) mean over the classes."""
        return self.recall.mean(axis=2)


def clean_ground_truth(gts: Segments,
                       min_length: float = 1e-3,
                       tolerance: float = 1e-3) -> Tuple[Segments, int, int]:
    """Drop segments that are too short or that repeat an earlier one.

    Args:
        gts (Segments): Ground truth.
        min_length (float): Seconds that a segment needs. Defaults to 1e-3.
        tolerance (float): A segment repeats a kept one of its video and
            label if both ends differ by at most this. Defaults to 1e-3.

    Returns:
        tuple: The rest in the same order, the number of short segments and
        the number of repeated ones.
    """
    start, end = gts.segments.T
    long = gts.take(end - start >= min_length)
    group = _codes(long.labels, long.videos)
    order = np.argsort(group, kind='stable')
    first, second = pairs_of(group, group[order])
    second = order[second]
    difference = np.abs(long.segments[first] - long.segments[second])
    same = (second < first) & (difference <= tolerance).all(axis=1)
    keep = np.ones(len(group), dtype=bool)
    # Few, and in order: a segment only repeats one that was kept.
    for row, earlier in zip(first[same], second[same]):
        keep[row] &= not keep[earlier]
    return long.take(keep), len(start) - len(keep), int((~keep).sum())


def segment_map(
        gts: Segments,
        preds: Segments,
        tious: Sequence[float],
        recall_k: Sequence[int] = (1, 5),
        recall_tious: Optional[Sequence[float]] = None) -> SegmentScores:
    """Average precision and recall at several tIoUs.

    A class of the ground truth without predictions has AP 0. Predictions of
    a label that the ground truth lacks are left out; those in a video
    without ground truth are false positives. Equal scores keep their order;
    of two ground truths with equal tIoU the first is tried first.

    AP is the area under the precision, made non-increasing, over the recall
    (all points, as in Pascal VOC since 2010). Recall@kx looks at the ``k *
    m`` best predictions of a class in a video that has ``m`` ground truths
    of it, and counts a ground truth if any of them reaches the threshold.

    Args:
        gts (Segments): Ground truth, at least one.
        preds (Segments): Predictions with scores, in any order.
        tious (Sequence[float]): Thresholds in (0, 1].
        recall_k (Sequence[int]): Multiples for the recall. Defaults to
            (1, 5).
        recall_tious (Sequence[float], optional): Thresholds of the recall.
            Defaults to None, which means ``tious``.

    Returns:
        SegmentScores: All numbers, by threshold and class.

    Raises:
        ValueError: If there is no ground truth or a threshold is outside
            (0, 1].
    """
    tious = _thresholds(tious)
    recall_tious = tious if recall_tious is None else _thresholds(recall_tious)
    if not len(gts.labels):
        raise ValueError('There is no ground truth to evaluate on.')
    classes = np.unique(gts.labels)
    known = np.isin(preds.labels, classes)
    num_ignored = int((~known).sum())
    preds = preds.take(known)
    preds = preds.take(np.argsort(-preds.scores, kind='stable'))

    # From here on rows are sorted by class, then video, then score.
    num_gts = np.searchsorted(np.sort(gts.labels), classes, 'right')
    num_gts = np.diff(num_gts, prepend=0)
    gt_group, pred_group = _common_codes(gts, preds)
    gt_order = np.argsort(gt_group, kind='stable')
    pred_order = np.argsort(pred_group, kind='stable')
    gt_group, pred_group = gt_group[gt_order], pred_group[pred_order]
    gt_segments = gts.segments[gt_order]
    pred_segments = preds.segments[pred_order]
    budget = _recall_budget(gt_group, pred_group, recall_k)

    lowest = min(tious.min(), recall_tious.min())
    hit = np.zeros((len(tious), len(pred_group)), dtype=bool)
    best = np.zeros((len(recall_k), len(gt_group)))
    for rows in chunks_of(pred_group, gt_group):
        pred, gt = pairs_of(pred_group[rows], gt_group)
        iou = pair_iou(pred_segments[rows][pred], gt_segments[gt])
        near = np.flatnonzero(iou >= lowest)
        pred, gt, iou = pred[near], gt[near], iou[near]
        for k, allowed in enumerate(budget):
            top = allowed[rows][pred]
            np.maximum.at(best[k], gt[top], iou[top])
        hit[:, rows] = match_greedily(pred, gt, iou, tious,
                                      rows.stop - rows.start)

    by_score = np.empty_like(hit)
    by_score[:, pred_order] = hit
    ap, num_preds = _average_precision(by_score, preds.labels, classes,
                                       num_gts)
    found = best[None] >= recall_tious[:, None, None]
    starts = np.cumsum(num_gts) - num_gts
    recall = np.add.reduceat(found, starts, axis=2, dtype=float) / num_gts
    return SegmentScores(tious, classes, ap, tuple(recall_k), recall_tious,
                         recall, num_gts, num_preds, num_ignored)


def _thresholds(tious: Sequence[float]) -> np.ndarray:
    tious = np.asarray(tious, dtype=np.float64)
    if not tious.size or not ((tious > 0) & (tious <= 1)).all():
        raise ValueError(f'tIoU thresholds must be in (0, 1], got '
                         f'{tious.tolist()}.')
    return tious


def _codes(labels: np.ndarray, videos: np.ndarray) -> np.ndarray:
    """One number per (label, video), increasing with the label first."""
    if not len(labels):
        return np.zeros(0, dtype=np.int64)
    labels = labels.astype(np.int64)
    videos = videos.astype(np.int64)
    videos = videos - videos.min()
    return labels * (videos.max() + 1) + videos


def _common_codes(gts: Segments,
                  preds: Segments) -> Tuple[np.ndarray, np.ndarray]:
    codes = _codes(
        np.concatenate([gts.labels, preds.labels]),
        np.concatenate([gts.videos, preds.videos]))
    return codes[:len(gts.labels)], codes[len(gts.labels):]


def _recall_budget(gt_group: np.ndarray, pred_group: np.ndarray,
                   recall_k: Sequence[int]) -> np.ndarray:
    """(K, N) whether a prediction is among the k * m best of its group."""
    rank = np.arange(len(pred_group))
    rank = rank - np.searchsorted(pred_group, pred_group, 'left')
    count = np.searchsorted(gt_group, pred_group, 'right')
    count -= np.searchsorted(gt_group, pred_group, 'left')
    return rank < np.asarray(recall_k, dtype=np.int64)[:, None] * count


def _average_precision(hit: np.ndarray, labels: np.ndarray,
                       classes: np.ndarray,
                       num_gts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """AP (T, C) and number of predictions (C,).

    Args:
        hit (np.ndarray): (T, N) true positives, by score.
        labels (np.ndarray): (N,) their classes, all in ``classes``.
        classes (np.ndarray): (C,) sorted labels.
        num_gts (np.ndarray): (C,) number of ground truths.
    """
    order = np.argsort(labels, kind='stable')
    bounds = np.searchsorted(labels[order], classes, 'right')
    ap = np.zeros((len(hit), len(classes)))
    for c, rows in enumerate(np.split(order, bounds[:-1])):
        true = hit[:, rows]
        precision = np.cumsum(true, axis=1) / np.arange(1, len(rows) + 1)
        highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        ap[:, c] = (highest * true).sum(axis=1) / num_gts[c]
    return ap, np.diff(bounds, prepend=0)
