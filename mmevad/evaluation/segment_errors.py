# Copyright (c) mmevad authors. All rights reserved.
"""What is wrong with detections that are wrong: kinds of false positives.

After Alwassel et al., *Diagnosing Error in Temporal Action Detectors*, ECCV
2018. A detection that takes no ground truth at a tIoU threshold is, with the
first that holds, a

- double detection: it reaches the threshold with a ground truth of its label,
  which a better detection has taken;
- wrong label: it reaches the threshold with one of another label;
- localization error: it overlaps one of its label by 0.1 at least;
- confusion: it overlaps one of another label by 0.1 at least, so that both its
  label and its ends are wrong;
- background error: it overlaps none by 0.1.
"""
from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np

from .segment_map import Segments, segment_map
from .segment_match import chunks_of, match_greedily, pair_iou, pairs_of

KINDS = ('true positive', 'background', 'localization', 'wrong label',
         'confusion', 'double detection')
(TRUE_POSITIVE, BACKGROUND, LOCALIZATION, WRONG_LABEL, CONFUSION,
 DOUBLE) = range(len(KINDS))
LEAST_IOU = 0.1


class ErrorAnalysis(NamedTuple):
    """What :func:`analyze_errors` finds; N predictions of known labels.

    Attributes:
        kinds (np.ndarray): (T, N) at each threshold, places in ``KINDS``.
        mean_ap (float): Mean over classes and thresholds.
        gains (dict): For each kind of error, what that mean gains if the
            detections of this kind are taken away.
        profile (np.ndarray): (T, K, kinds) shares of the predictions ranked
            from ``k * m`` to ``(k + 1) * m`` among those of their class,
            which has ``m`` ground truths; the sum is 1, or 0 where there are
            none.
        num_missed (np.ndarray): (T, ) ground truths that nothing takes.
    """
    kinds: np.ndarray
    mean_ap: float
    gains: Dict[str, float]
    profile: np.ndarray
    num_missed: np.ndarray


def best_overlaps(gts: Segments,
                  preds: Segments) -> Tuple[np.ndarray, np.ndarray]:
    """Largest tIoU with ground truths of the same and of other labels.

    Args:
        gts (Segments): Ground truth.
        preds (Segments): N predictions.

    Returns:
        tuple: (N, ) and (N, ); 0 without any in the video.
    """
    gts = gts.take(np.argsort(gts.videos, kind='stable'))
    order = np.argsort(preds.videos, kind='stable')
    same, other = np.zeros((2, len(order)))
    for rows in chunks_of(preds.videos[order], gts.videos):
        part = order[rows]
        pred, gt = pairs_of(preds.videos[part], gts.videos)
        pred = part[pred]
        iou = pair_iou(preds.segments[pred], gts.segments[gt])
        match = preds.labels[pred] == gts.labels[gt]
        np.maximum.at(same, pred[match], iou[match])
        np.maximum.at(other, pred[~match], iou[~match])
    return same, other


def find_true_positives(gts: Segments, preds: Segments,
                        tious: np.ndarray) -> np.ndarray:
    """Greedy matching by score, as in :func:`segment_map`.

    Returns:
        np.ndarray: (T, N) bool.
    """
    base = max(gts.videos.max(), preds.videos.max(initial=0)) + 1
    gt_group, pred_group = (
        x.labels.astype(np.int64) * base + x.videos for x in (gts, preds))
    gt_order = np.argsort(gt_group, kind='stable')
    gt_group, gt_segments = gt_group[gt_order], gts.segments[gt_order]
    order = np.lexsort((-preds.scores, pred_group))  # stable
    hit = np.zeros((len(tious), len(order)), dtype=bool)
    for rows in chunks_of(pred_group[order], gt_group):
        part = order[rows]
        pred, gt = pairs_of(pred_group[part], gt_group)
        iou = pair_iou(preds.segments[part][pred], gt_segments[gt])
        near = np.flatnonzero(iou >= tious.min())
        hit[:, part] = match_greedily(pred[near], gt[near], iou[near], tious,
                                      len(part))
    return hit


def error_kinds(gts: Segments, preds: Segments,
                tious: np.ndarray) -> np.ndarray:
    """(T, N) kind of each prediction at each threshold."""
    same, other = best_overlaps(gts, preds)
    reach = tious[:, None]
    return np.select([
        find_true_positives(gts, preds, tious), same >= reach, other >= reach,
        np.broadcast_to(same >= LEAST_IOU, (len(tious), len(same))),
        np.broadcast_to(other >= LEAST_IOU, (len(tious), len(same)))
    ], [TRUE_POSITIVE, DOUBLE, WRONG_LABEL, LOCALIZATION, CONFUSION],
                     BACKGROUND)


def class_ranks(gts: Segments, preds: Segments) -> np.ndarray:
    """Rank among the predictions of a class, over its ground truths.

    Returns:
        np.ndarray: (N, ) int; 0 for as many as there are ground truths, 1
        for as many after these.
    """
    order = np.lexsort((-preds.scores, preds.labels))
    labels = preds.labels[order]
    place = np.arange(len(order)) - np.searchsorted(labels, labels, 'left')
    count = np.bincount(gts.labels, minlength=labels.max(initial=0) + 1)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = place // count[labels]
    return ranks


def analyze_errors(gts: Segments,
                   preds: Segments,
                   tious: Sequence[float] = (0.3, 0.4, 0.5, 0.6, 0.7),
                   num_ranks: int = 10) -> ErrorAnalysis:
    """Sort detections by what is wrong with them.

    At each threshold the errors of that threshold are taken away. Detections
    of labels that the ground truth lacks are left out, as in
    :func:`segment_map`.

    Args:
        gts (Segments): Ground truth, at least one.
        preds (Segments): Predictions with scores.
        tious (Sequence[float]): T thresholds, above 0.1. Defaults to (0.3,
            0.4, 0.5, 0.6, 0.7).
        num_ranks (int): K of the profile. Defaults to 10.

    Raises:
        ValueError: If a threshold is 0.1 or less.
    """
    tious = np.asarray(tious, dtype=np.float64)
    if tious.min() <= LEAST_IOU:
        raise ValueError(f'tIoU thresholds must be above {LEAST_IOU}, below '
                         f'which a detection is a background error, got '
                         f'{tious.tolist()}.')
    preds = preds.take(np.isin(preds.labels, gts.labels))
    kinds = error_kinds(gts, preds, tious)
    before = segment_map(gts, preds, tious, ()).average
    gains = {}
    for kind in range(BACKGROUND, len(KINDS)):
        after = [
            segment_map(gts, preds.take(row != kind), (tiou, ), ()).average
            for tiou, row in zip(tious, kinds)
        ]
        gains[KINDS[kind]] = float(np.mean(after)) - before
    ranks = class_ranks(gts, preds)
    profile = np.zeros((len(tious), num_ranks, len(KINDS)))
    shown = ranks < num_ranks
    for table, row in zip(profile, kinds):
        np.add.at(table, (ranks[shown], row[shown]), 1)
    profile /= np.maximum(profile.sum(-1, keepdims=True), 1)
    hits = (kinds == TRUE_POSITIVE).sum(1)
    return ErrorAnalysis(kinds, before, gains, profile, len(gts.labels) - hits)
