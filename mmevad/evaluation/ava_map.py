# Copyright (c) mmevad authors. All rights reserved.
"""Average precision of boxes on keyframes, as arrays.

The rules are those of AVA's evaluation code, which are Pascal VOC's: on each
keyframe, each detection of a class belongs to the ground truth of the class
that it overlaps most; of those that reach the IoU, the one with the highest
score is the true positive. Fractions, not percent.
"""
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from .segment_match import chunks_of, pairs_of


class KeyframeTruth(NamedTuple):
    """Annotated boxes, one row per box and class.

    Attributes:
        frames (np.ndarray): (M,) int, number of the keyframe.
        labels (np.ndarray): (M,) int, class.
        boxes (np.ndarray): (M, 4) float32, x1, y1, x2, y2.
    """

    frames: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray


class KeyframeBoxes(NamedTuple):
    """Predicted boxes, one row per box.

    Attributes:
        frames (np.ndarray): (N,) int, number of the keyframe.
        boxes (np.ndarray): (N, 4) float32, x1, y1, x2, y2.
        scores (np.ndarray): (N, C) float32; minus infinity where the box is
            no detection of the class.
    """

    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


class ClassScores(NamedTuple):
    """What :func:`keyframe_ap` finds, for C classes.

    Attributes:
        ap (np.ndarray): (C,) average precision; NaN without ground truth.
        recall (np.ndarray): (C,) share of the ground truth that is found.
        num_gts (np.ndarray): (C,) number of annotated boxes.
        num_dets (np.ndarray): (C,) number of detections.
    """

    ap: np.ndarray
    recall: np.ndarray
    num_gts: np.ndarray
    num_dets: np.ndarray


def keyframe_ap(truth: KeyframeTruth,
                preds: KeyframeBoxes,
                iou_thr: float = 0.5) -> ClassScores:
    """Average precision and recall of each class at one IoU.

    A class with ground truth but without detections has AP 0, as in the
    evaluation code of AVA. AP is the area under the precision, made
    non-increasing, over the recall (all points).

    Detections of equal score are taken in the order that ``np.argsort``
    leaves them in when they are given by keyframe, then falling score, which
    is how mmaction2's ``ava_eval`` takes them. With scores rounded to four
    decimals, nearly all of a validation of AVA are shared; another order
    among them moves the mAP by up to 5e-6.

    Args:
        truth (KeyframeTruth): Ground truth. Of two boxes with equal IoU, the
            first counts as the one overlapped most.
        preds (KeyframeBoxes): Detections.
        iou_thr (float): IoU that a true positive needs. Defaults to 0.5.

    Returns:
        ClassScores: One number per class.
    """
    num_classes = preds.scores.shape[1]
    preds = KeyframeBoxes(*_by_frame(preds))
    hit = _true_positives(KeyframeTruth(*_by_frame(truth)), preds, iou_thr)
    num_gts = np.bincount(truth.labels, minlength=num_classes)
    num_dets = np.zeros(num_classes, dtype=np.int64)
    ap = np.full(num_classes, np.nan)
    for label in range(num_classes):
        rows = np.flatnonzero(preds.scores[:, label] > -np.inf)
        num_dets[label] = len(rows)
        if num_gts[label]:
            scores = preds.scores[rows, label]
            by_frame = np.lexsort((-scores, preds.frames[rows]))
            order = by_frame[np.argsort(scores[by_frame])[::-1]]
            ap[label] = area_under_precision(hit[rows[order], label],
                                             num_gts[label])
    recall = np.divide(
        hit.sum(0),
        num_gts,
        out=np.full(num_classes, np.nan),
        where=num_gts > 0)
    return ClassScores(ap, recall, num_gts, num_dets)


def area_under_precision(hit: np.ndarray, num_gts: int) -> float:
    """All-point average precision.

    Args:
        hit (np.ndarray): (N,) bool, true positives by falling score.
        num_gts (int): Number of ground truths, at least 1.
    """
    places = np.flatnonzero(hit)
    precision = np.arange(1, len(places) + 1) / (places + 1)
    highest = np.maximum.accumulate(precision[::-1])
    return float(highest.sum() / num_gts)


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P,) IoU of rows of two (P, 4) arrays; 0 for two empty boxes.

    Sides are taken in the boxes' own precision, the rest in float64: the
    roundings of AVA's code, for boxes whose IoU is the threshold.
    """
    left_top = np.maximum(first[:, :2], second[:, :2])
    right_bottom = np.minimum(first[:, 2:], second[:, 2:])
    width, height = np.maximum((right_bottom - left_top).astype(np.float64),
                               0).T
    inter = width * height
    union = _area(first) + _area(second) - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=inter > 0)


def _area(boxes: np.ndarray) -> np.ndarray:
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    return width * height


def _by_frame(table: Sequence[np.ndarray]) -> List[np.ndarray]:
    """Columns in the order of the first."""
    order = np.argsort(table[0], kind='stable')
    return [column[order] for column in table]


def _true_positives(truth: KeyframeTruth, preds: KeyframeBoxes,
                    iou_thr: float) -> np.ndarray:
    """(N, C) bool; both are sorted by keyframe."""
    hit = np.zeros(preds.scores.shape, dtype=bool)
    for part in chunks_of(truth.frames, preds.frames):
        gts = KeyframeTruth(*(x[part] for x in truth))
        gt, pred = pairs_of(gts.frames, preds.frames)
        scores = preds.scores[pred, gts.labels[gt]]
        found = scores > -np.inf
        gt, pred, scores = gt[found], pred[found], scores[found]
        iou = box_iou(preds.boxes[pred], gts.boxes[gt])
        rows = _first_of(pred * hit.shape[1] + gts.labels[gt], by=(gt, -iou))
        rows = rows[iou[rows] >= iou_thr]
        rows = rows[_first_of(gt[rows], by=(pred[rows], -scores[rows]))]
        hit[pred[rows], gts.labels[gt[rows]]] = True
    return hit


def _first_of(groups: np.ndarray, by: Tuple[np.ndarray, ...]) -> np.ndarray:
    """The row of each group that comes first by the last key, then others."""
    order = np.lexsort((*by, groups))
    return order[np.flatnonzero(np.diff(groups[order], prepend=-1))]
