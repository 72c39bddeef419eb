# Copyright (c) mmevad authors. All rights reserved.
"""Frame-mAP and video-mAP, as arrays.

Both follow Pascal VOC, see :func:`match_best`: frame-AP takes the boxes of
single frames, video-AP takes tubes. Fractions, not percent.
"""
from typing import NamedTuple, Sequence, Tuple

import numpy as np

from .ava_map import box_iou
from .frame_match import average_precision, match_best
from .segment_match import pairs_of
from .tube_tables import FrameDetections, TubeTable, cut, ranges

# Pairs of boxes that are compared at a time.
_PAIRS = 1 << 20


class TubeScores(NamedTuple):
    """AP at T thresholds for C classes.

    Attributes:
        iou_thrs (np.ndarray): (T,) thresholds.
        ap (np.ndarray): (T, C) average precision; NaN without ground truth.
        num_gts (np.ndarray): (C,) number of ground truths.
        num_dets (np.ndarray): (C,) number of detections.
    """

    iou_thrs: np.ndarray
    ap: np.ndarray
    num_gts: np.ndarray
    num_dets: np.ndarray

    @property
    def mean_ap(self) -> np.ndarray:
        """(T,) mean over the classes with ground truth."""
        return self.ap[:, self.num_gts > 0].mean(axis=1)


def frame_map(gts: TubeTable,
              dets: FrameDetections,
              iou_thrs: Sequence[float] = (0.5, ),
              mode: str = 'area') -> TubeScores:
    """AP of boxes on frames.

    Every box of a class is a detection of it, whatever its score; on frames
    without ground truth of the class all are false. A class without
    detections has AP 0. Equal scores keep the order of the rows.

    Args:
        gts (TubeTable): Annotated tubes, on the frames to evaluate.
        dets (FrameDetections): Predicted boxes of C classes.
        iou_thrs (Sequence[float]): IoU that a true positive needs. Defaults
            to (0.5, ).
        mode (str): See :func:`average_precision`.

    Returns:
        TubeScores: For each threshold and class.

    Raises:
        ValueError: If there is no ground truth, it has a class above C, or a
            threshold or mode is wrong.
    """
    num_classes = dets.scores.shape[1]
    iou_thrs = check_iou_thrs(iou_thrs)
    _check_truth(gts, num_classes)
    labels = np.repeat(gts.labels, gts.sizes)
    gt_boxes = gts.boxes[gts.rows]
    gt_frames, det_frames = _frame_codes(gts, dets)
    num_frames = 1 + max(gt_frames.max(), det_frames.max(initial=0))
    num_gts = np.bincount(labels, minlength=num_classes)
    num_dets = (dets.scores > -np.inf).sum(axis=0)
    ap = np.full((len(iou_thrs), num_classes), np.nan)
    for label in np.flatnonzero(num_gts):
        rows = by_score(dets.scores[:, label])
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(gt_frames[own], kind='stable')]
        annotated = np.zeros(num_frames, dtype=bool)
        annotated[gt_frames[own]] = True
        # Few detections are on frames of the class; the rest is false.
        near = np.flatnonzero(annotated[det_frames[rows]])
        pred, gt = pairs_of(det_frames[rows[near]], gt_frames[own])
        iou = box_iou(dets.boxes[rows[near[pred]]], gt_boxes[own[gt]])
        hit = match_best(near[pred], gt, iou, iou_thrs, len(rows))
        ap[:,
           label] = [average_precision(x, num_gts[label], mode) for x in hit]
    return TubeScores(iou_thrs, ap, num_gts, num_dets)


def video_map(gts: TubeTable,
              dets: TubeTable,
              num_classes: int,
              iou_thrs: Sequence[float] = (0.2, 0.5, 0.75),
              mode: str = 'area') -> TubeScores:
    """AP of tubes, by :func:`tube_iou`.

    Args:
        gts (TubeTable): Annotated tubes.
        dets (TubeTable): Predicted tubes with scores. Equal scores keep
            their order.
        num_classes (int): C.
        iou_thrs (Sequence[float]): Spatio-temporal IoU that a true positive
            needs. Defaults to (0.2, 0.5, 0.75).
        mode (str): See :func:`average_precision`.

    Returns:
        TubeScores: For each threshold and class.

    Raises:
        ValueError: If there is no ground truth, it has a class above C, or a
            threshold or mode is wrong.
    """
    iou_thrs = check_iou_thrs(iou_thrs)
    _check_truth(gts, num_classes)
    order = by_score(dets.scores)
    group = dets.videos[order] * num_classes + dets.labels[order]
    gt_group = gts.videos * num_classes + gts.labels
    gt_order = np.argsort(gt_group, kind='stable')
    pred, gt = pairs_of(group, gt_group[gt_order])
    gt = gt_order[gt]
    # Tubes that overlap too little in time cannot match.
    near = _temporal_bound(dets, order[pred], gts, gt) >= iou_thrs.min()
    pred, gt = pred[near], gt[near]
    used, place = np.unique(pred, return_inverse=True)
    filled = fill_gaps(dets.take(order[used]))
    iou = tube_iou(filled, place, gts, gt)

    labels = dets.labels[order]
    num_gts = np.bincount(gts.labels, minlength=num_classes)
    num_dets = np.bincount(labels, minlength=num_classes)
    ap = np.full((len(iou_thrs), num_classes), np.nan)
    hit = match_best(pred, gt, iou, iou_thrs, len(order))
    for label in np.flatnonzero(num_gts):
        ap[:, label] = [
            average_precision(x, num_gts[label], mode)
            for x in hit[:, labels == label]
        ]
    return TubeScores(iou_thrs, ap, num_gts, num_dets)


def tube_iou(first: TubeTable, i: np.ndarray, second: TubeTable,
             j: np.ndarray) -> np.ndarray:
    """Spatio-temporal IoU of pairs of tubes.

    It is the temporal IoU, the number of common frames over the number of
    frames of either, times the mean IoU of the boxes on the common frames.
    That is the sum of these IoUs over the number of frames of either.

    Args:
        first (TubeTable): Tubes.
        i (np.ndarray): (P,) tubes of the first table.
        second (TubeTable): Tubes.
        j (np.ndarray): (P,) tubes of the second table.

    Returns:
        np.ndarray: (P,) in [0, 1].
    """
    span = 1 + max(first.frames.max(initial=0), second.frames.max(initial=0))
    owner = np.repeat(np.arange(len(second.videos)), second.sizes)
    keys = owner * span + second.frames[second.rows]
    sizes = first.sizes[i]
    total = np.zeros(len(i))
    common = np.zeros(len(i), dtype=np.int64)
    for part in cut(sizes, _PAIRS):
        place = ranges(first.splits[i[part]], sizes[part])
        rows = first.rows[place]
        pair = np.repeat(np.arange(len(i))[part], sizes[part])
        wanted = j[pair] * span + first.frames[rows]
        other = np.searchsorted(keys, wanted)
        met = keys[np.minimum(other, len(keys) - 1)] == wanted
        rows, other, pair = rows[met], other[met], pair[met]
        iou = box_iou(first.boxes[rows], second.boxes[second.rows[other]])
        total += np.bincount(pair, iou, len(i))
        common += np.bincount(pair, minlength=len(i))
    return total / np.maximum(sizes + second.sizes[j] - common, 1)


def fill_gaps(tubes: TubeTable) -> TubeTable:
    """Boxes on the frames that a tube leaves out, by linear interpolation.

    Returns:
        TubeTable: The same tubes with a box on every frame from the first
        to the last, in rows of their own.
    """
    frames = tubes.frames[tubes.rows]
    boxes = tubes.boxes[tubes.rows]
    if not len(tubes.videos):
        return tubes._replace(rows=tubes.rows, frames=frames, boxes=boxes)
    first, last = frames[tubes.splits[:-1]], frames[tubes.splits[1:] - 1]
    sizes = last - first + 1
    owner = np.repeat(np.arange(len(sizes)), sizes)
    wanted = ranges(first, sizes)
    span = 1 + frames.max()
    keys = np.repeat(np.arange(len(sizes)), tubes.sizes) * span + frames
    after = np.searchsorted(keys, owner * span + wanted)
    before = after - (frames[after] > wanted)
    step = np.maximum(frames[after] - frames[before], 1)
    part = ((wanted - frames[before]) / step)[:, None]
    filled = boxes[before] * (1 - part) + boxes[after] * part
    return tubes._replace(
        splits=np.append(0, np.cumsum(sizes)),
        rows=np.arange(len(wanted)),
        frames=wanted,
        boxes=filled.astype(boxes.dtype))


def by_score(scores: np.ndarray) -> np.ndarray:
    """Rows with a score, by falling score; equal scores keep their order."""
    rows = np.flatnonzero(scores > -np.inf)
    return rows[np.argsort(-scores[rows], kind='stable')]


def check_iou_thrs(iou_thrs: Sequence[float]) -> np.ndarray:
    """Thresholds (T,); ValueError if there are none or one is not in (0, 1].
    """
    iou_thrs = np.asarray(iou_thrs, dtype=np.float64)
    if not iou_thrs.size or not ((iou_thrs > 0) & (iou_thrs <= 1)).all():
        raise ValueError(f'IoU thresholds must be in (0, 1], got '
                         f'{iou_thrs.tolist()}.')
    return iou_thrs


def _check_truth(gts: TubeTable, num_classes: int) -> None:
    if not len(gts.rows):
        raise ValueError('There is no ground truth to evaluate on.')
    if gts.labels.max() >= num_classes:
        raise ValueError(f'The ground truth has class {gts.labels.max()}, '
                         f'the predictions only {num_classes} classes.')


def _frame_codes(gts: TubeTable,
                 dets: FrameDetections) -> Tuple[np.ndarray, np.ndarray]:
    """One number from 0 per video and frame, for both."""
    frames = gts.frames[gts.rows]
    videos = np.repeat(gts.videos, gts.sizes)
    span = 1 + max(frames.max(), dets.frames.max(initial=0))
    return videos * span + frames, dets.videos * span + dets.frames


def _temporal_bound(first: TubeTable, i: np.ndarray, second: TubeTable,
                    j: np.ndarray) -> np.ndarray:
    """(P,) at least the spatio-temporal IoU of pairs of tubes."""
    begin, end = zip(*((table.frames[table.rows[table.splits[:-1]]],
                        table.frames[table.rows[table.splits[1:] - 1]])
                       for table in (first, second)))
    inter = np.minimum(end[0][i], end[1][j]) + 1 - np.maximum(
        begin[0][i], begin[1][j])
    # The tubes' own frames, as one with gaps has fewer than its extent.
    most = np.maximum(first.sizes[i], second.sizes[j])
    return np.maximum(inter, 0) / most
