# Copyright (c) mmevad authors. All rights reserved.
"""Pascal VOC's matching of detections with ground truth, and its AP.

The same rules serve boxes on frames and whole tubes; only the overlap
differs. Boxes are continuous, x1, y1, x2, y2 with the width ``x2 - x1`` and
no ``+ 1``: their IoU is then the same in pixels and in fractions of the
frame, in which models predict, and a box that is scaled keeps it.
"""
from typing import Sequence

import numpy as np

from .ava_map import area_under_precision
from .segment_match import match_greedily

AP_MODES = ('area', '11points')


def match_best(pred: np.ndarray, gt: np.ndarray, iou: np.ndarray,
               iou_thrs: Sequence[float], num_preds: int) -> np.ndarray:
    """Which detections of a class are true, at all thresholds.

    Each detection belongs to the ground truth that it overlaps most; of
    those that reach the threshold, the one with the highest score is the
    true positive. A second one is false, even if another ground truth within
    reach is left (unlike :func:`match_greedily`, which follows ActivityNet).
    Only where a detection overlaps several equally does it take one that is
    left: UCF101-24 annotates some boxes twice, and perfect predictions would
    not reach an AP of 1.

    Args:
        pred (np.ndarray): (P,) detection of each pair that may match, not
            falling. Detections are numbered by falling score.
        gt (np.ndarray): (P,) ground truth of each pair.
        iou (np.ndarray): (P,) their overlap.
        iou_thrs (Sequence[float]): T thresholds above 0.
        num_preds (int): Number N of detections.

    Returns:
        np.ndarray: (T, N) bool, whether a detection is a true positive.
    """
    best = np.zeros(num_preds)
    np.maximum.at(best, pred, iou)
    most = np.flatnonzero(iou == best[pred])
    return match_greedily(pred[most], gt[most], iou[most],
                          np.asarray(iou_thrs), num_preds)


def average_precision(hit: np.ndarray,
                      num_gts: int,
                      mode: str = 'area') -> float:
    """AP of one class.

    Args:
        hit (np.ndarray): (N,) bool, true positives by falling score.
        num_gts (int): Number of ground truths, at least 1.
        mode (str): 'area': under the precision, made non-increasing, over
            the recall (Pascal VOC since 2010). '11points': mean of the
            highest precision at a recall of at least 0, 0.1, ..., 1 (before
            2010). Defaults to 'area'.

    Raises:
        ValueError: If the mode is another.
    """
    check_mode(mode)
    if mode == 'area':
        return area_under_precision(hit, num_gts)
    places = np.flatnonzero(hit)
    found = np.arange(1, len(places) + 1)
    precision = found / (places + 1)
    # In whole numbers: 3 of 10 reach a recall of 0.3.
    return float(
        np.mean([
            precision[10 * found >= tenth * num_gts].max(initial=0)
            for tenth in range(11)
        ]))


def check_mode(mode: str) -> None:
    """Raise ValueError if :func:`average_precision` has no such mode."""
    if mode not in AP_MODES:
        raise ValueError(f'The mode of the AP must be one of '
                         f'{", ".join(AP_MODES)}, got {mode!r}.')
