# Copyright (c) mmevad authors. All rights reserved.
"""Greedy matching of segments, for all groups and thresholds at once.

A group is a class in a video; only within a group are segments compared.
"""
from typing import Iterator, Tuple

import numpy as np

# Pairs of a prediction and a ground truth that are held in memory at a time.
_PAIRS = 1 << 21


def pairs_of(groups: np.ndarray,
             others: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """All pairs (row, other) of the same group, by row, then other.

    Args:
        groups (np.ndarray): (N,) group of each row.
        others (np.ndarray): (M,) group of the others, sorted.
    """
    low = np.searchsorted(others, groups, 'left')
    count = np.searchsorted(others, groups, 'right') - low
    skip = np.cumsum(count) - count
    rows = np.repeat(np.arange(len(groups)), count)
    return rows, np.arange(len(rows)) + np.repeat(low - skip, count)


def chunks_of(pred_group: np.ndarray, gt_group: np.ndarray) -> Iterator[slice]:
    """Cut predictions between groups, so that few pairs exist at a time."""
    starts = np.flatnonzero(np.diff(pred_group, prepend=pred_group[:1] - 1))
    count = np.searchsorted(gt_group, pred_group, 'right')
    count -= np.searchsorted(gt_group, pred_group, 'left')
    before = (np.cumsum(count) - count)[starts]
    cuts = starts[np.flatnonzero(np.diff(before // _PAIRS, prepend=-1))]
    for start, stop in zip(cuts, [*cuts[1:], len(pred_group)]):
        yield slice(start, stop)


def pair_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P,) tIoU of rows of two (P, 2) arrays; 0 for two empty segments."""
    left = np.maximum(first[:, 0], second[:, 0])
    right = np.minimum(first[:, 1], second[:, 1])
    inter = np.maximum(right - left, 0)
    # Where they overlap, the union is the hull: one rounding instead of
    # three decides between 0.5 and just below.
    hull = np.maximum(first[:, 1], second[:, 1])
    hull -= np.minimum(first[:, 0], second[:, 0])
    return np.divide(inter, hull, out=np.zeros_like(inter), where=inter > 0)


def match_greedily(pred: np.ndarray, gt: np.ndarray, iou: np.ndarray,
                   tious: np.ndarray, num_preds: int) -> np.ndarray:
    """Greedy matching at all thresholds.

    Taking predictions one by one gives the only stable matching when every
    ground truth prefers the prediction with the best score. The rounds
    here find it by deferred acceptance (Gale and Shapley, 1962): everybody
    asks for the next best ground truth, which keeps the first in order and
    sends the others, also one that it held, away.

    Args:
        pred (np.ndarray): (P,) prediction of each pair, increasing; within
            a group, predictions are numbered by score.
        gt (np.ndarray): (P,) ground truth of each pair.
        iou (np.ndarray): (P,) their tIoU.
        tious (np.ndarray): (T,) thresholds.
        num_preds (int): Number N of predictions.

    Returns:
        np.ndarray: (T, N) bool, whether a prediction is a true positive.
    """
    hit = np.zeros((len(tious), num_preds), dtype=bool)
    if not len(pred):
        return hit
    order = np.lexsort((-iou, pred))
    base, num_gts = gt.min(), np.ptp(gt) + 1
    # One more pair, of nobody, where the last prediction's list ends.
    owner = np.append(pred, -1)
    gt, iou = np.append(gt[order] - base, 0), np.append(iou[order], 0)
    # A suitor is a prediction at one threshold; its number keeps the order.
    suitors, first = np.unique(pred, return_index=True)
    level = np.arange(len(tious))[:, None]
    asking = (level * num_preds + suitors).ravel()
    choice = np.zeros(hit.size, dtype=np.int64)
    choice[asking] = np.tile(first, len(tious))
    holder = np.full(len(tious) * num_gts, hit.size)
    while len(asking):
        pair, at = choice[asking], asking // num_preds
        hopeful = (owner[pair] == asking % num_preds) & (
            iou[pair] >= tious[at])
        asking, wanted = asking[hopeful], (at * num_gts + gt[pair])[hopeful]
        held = holder[wanted]
        np.minimum.at(holder, wanted, asking)
        won = holder[wanted] == asking
        left = held[won & (held < hit.size)]
        asking = np.concatenate([asking[~won], left])
        choice[asking] += 1
    hit.flat[holder[holder < hit.size]] = True
    return hit
