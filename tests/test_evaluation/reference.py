"""Segment mAP and recall, one prediction after the other."""
import numpy as np

from mmevad.evaluation import Segments


def tiou(first, second):
    inter = min(first[1], second[1]) - max(first[0], second[0])
    if inter <= 0:
        return 0.
    return inter / (first[1] - first[0] + second[1] - second[0] - inter)


def greedy(gts, preds, threshold):
    """Whether each of the sorted predictions (video, segment) is true."""
    taken, true = set(), []
    for video, segment in preds:
        tries = [(-tiou(segment, other), row)
                 for row, (owner, other) in enumerate(gts) if owner == video]
        free = [
            row for value, row in sorted(tries)
            if -value >= threshold and row not in taken
        ]
        taken.update(free[:1])
        true.append(bool(free))
    return true


def average_precision(true, num_gts):
    precision, found = [], 0
    for rank, hit in enumerate(true, 1):
        found += hit
        precision.append(found / rank)
    best, area = 0., 0.
    for hit, value in zip(reversed(true), reversed(precision)):
        best = max(best, value)
        area += best * hit
    return area / num_gts


def recall(gts, preds, threshold, k):
    """Share of the ground truths (video, segment) that are found."""
    found = 0
    for video in {owner for owner, _ in gts}:
        here = [segment for owner, segment in gts if owner == video]
        best = [segment for owner, segment in preds if owner == video]
        best = best[:k * len(here)]
        found += sum(
            any(tiou(segment, other) >= threshold for segment in best)
            for other in here)
    return found / len(gts)


def rows_of(table, label):
    rows = np.flatnonzero(table.labels == label)
    if table.scores is not None:
        rows = rows[np.argsort(-table.scores[rows], kind='stable')]
    return [(table.videos[r], tuple(table.segments[r].tolist())) for r in rows]


def reference_map(gts, preds, tious, recall_k):
    """AP (T, C) and recall (T, K, C)."""
    ap, recalls = [], []
    for label in np.unique(gts.labels):
        targets, rows = rows_of(gts, label), rows_of(preds, label)
        ap.append([
            average_precision(greedy(targets, rows, t), len(targets))
            for t in tious
        ])
        recalls.append([[recall(targets, rows, t, k) for k in recall_k]
                        for t in tious])
    return np.array(ap).T, np.transpose(recalls, (1, 2, 0))


def random_segments(rng, size, videos, labels, longest=8., scores=False):
    """Whole-numbered segments that overlap, and scores, with many ties."""
    start = rng.integers(0, 40, size).astype(float)
    length = rng.integers(1, longest + 1, size)
    return Segments(
        rng.integers(0, videos, size), rng.integers(0, labels, size),
        np.stack([start, start + length], axis=1),
        rng.integers(0, 50, size) / 50 if scores else None)
