# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.evaluation import (KeyframeBoxes, KeyframeTruth, box_iou,
                               keyframe_ap, segment_match)
from mmevad.evaluation.ava_map import area_under_precision

UNIT = np.array([0, 0, 1, 1], dtype=np.float32)


def truth_of(*rows):
    """(frame, label, box) each."""
    frames, labels, boxes = zip(*rows)
    return KeyframeTruth(np.array(frames), np.array(labels), np.float32(boxes))


def preds_of(*rows):
    """(frame, box, scores) each."""
    frames, boxes, scores = zip(*rows)
    return KeyframeBoxes(
        np.array(frames), np.float32(boxes), np.float32(scores))


def slow_ap(truth, preds, iou_thr):
    """AP and recall of each class, one detection after the other."""
    found = []
    for label in range(preds.scores.shape[1]):
        num_gts = int((truth.labels == label).sum())
        dets = sorted((-score, row)
                      for row, score in enumerate(preds.scores[:, label])
                      if score > -np.inf)
        taken, precision, recall = set(), [], []
        for rank, (_, row) in enumerate(dets, 1):
            best, best_gt = 0, None
            for gt in range(len(truth.labels)):
                if (truth.labels[gt], truth.frames[gt]) != (label,
                                                            preds.frames[row]):
                    continue
                x1, y1 = np.maximum(truth.boxes[gt], preds.boxes[row])[:2]
                x2, y2 = np.minimum(truth.boxes[gt], preds.boxes[row])[2:]
                inter = max(0., float(x2 - x1)) * max(0., float(y2 - y1))
                both = sum(
                    float((b[2] - b[0]) * (b[3] - b[1]))
                    for b in (truth.boxes[gt], preds.boxes[row]))
                if inter / (both - inter) > best:
                    best, best_gt = inter / (both - inter), gt
            if best >= iou_thr:
                taken.add(best_gt)
            precision.append(len(taken) / rank)
            recall.append(len(taken) / max(1, num_gts))
        ap, reached = 0., 0.
        for i, level in enumerate(recall):
            ap += (level - reached) * max(precision[i:])
            reached = level
        found.append((ap, reached) if num_gts else (np.nan, np.nan))
    return np.array(found).T


@pytest.mark.parametrize('seed', range(4))
def test_equals_the_loop(seed):
    rng = np.random.default_rng(seed)

    def boxes(size):
        corner = rng.random((size, 2)) / 2
        return np.float32(
            np.concatenate([corner, corner + 0.2 + rng.random((size, 2)) / 4],
                           axis=1))

    truth = KeyframeTruth(
        rng.integers(0, 8, 60), rng.integers(0, 3, 60), boxes(60))
    scores = rng.permutation(400).reshape(100, 4).astype(np.float32)
    scores[rng.random((100, 4)) < 0.3] = -np.inf
    preds = KeyframeBoxes(rng.integers(0, 10, 100), boxes(100), scores)
    got = keyframe_ap(truth, preds, 0.3)
    ap, recall = slow_ap(truth, preds, 0.3)
    assert 0.05 < np.nanmean(ap) < 0.95
    np.testing.assert_allclose(got.ap, ap, atol=1e-12)
    np.testing.assert_allclose(got.recall, recall, atol=1e-12)
    assert got.num_gts.sum() == 60 and np.isnan(got.ap[3])
    assert got.num_dets.sum() == (scores > -np.inf).sum()


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    boxes = np.tile(UNIT, (90, 1)) * rng.uniform(0.5, 1, (90, 1))
    truth = KeyframeTruth(
        rng.integers(0, 9, 40), rng.integers(0, 2, 40), boxes[:40])
    preds = KeyframeBoxes(
        rng.integers(0, 9, 50), boxes[40:], rng.random((50, 2)))
    expected = keyframe_ap(truth, preds)
    monkeypatch.setattr(segment_match, '_PAIRS', 7)
    np.testing.assert_array_equal(keyframe_ap(truth, preds), expected)


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(0)
    corner = rng.random((90, 2)) / 2
    boxes = np.float32(np.concatenate([corner, corner + 0.4], axis=1))
    truth = KeyframeTruth(
        rng.integers(0, 9, 40), rng.integers(0, 2, 40), boxes[:40])
    preds = KeyframeBoxes(
        rng.integers(0, 9, 50), boxes[40:], rng.random((50, 2)))
    first, second = rng.permutation(40), rng.permutation(50)
    got = keyframe_ap(
        KeyframeTruth(*(x[first] for x in truth)),
        KeyframeBoxes(*(x[second] for x in preds)))
    np.testing.assert_array_equal(got, keyframe_ap(truth, preds))


def test_second_detection_of_a_box_is_false():
    # It overlaps the left box more, which is taken; the right one is free.
    truth = truth_of((0, 0, UNIT), (0, 0, UNIT + [0.3, 0, 0.3, 0]))
    preds = preds_of((0, UNIT, [0.9]), (0, UNIT + [0.1, 0, 0.1, 0], [0.8]))
    got = keyframe_ap(truth, preds)
    assert got.ap[0] == 0.5 and got.recall[0] == 0.5


def test_threshold_is_reached_by_equality():
    half = [0, 0, 1, 0.5]
    got = [
        keyframe_ap(truth_of((0, 0, UNIT)), preds_of((0, half, [0.9])), thr)
        for thr in (0.5, np.nextafter(0.5, 1))
    ]
    assert [x.ap[0] for x in got] == [1, 0]


def test_class_without_detections_counts_zero():
    truth = truth_of((0, 0, UNIT), (0, 1, UNIT))
    preds = preds_of((0, UNIT, [0.9, -np.inf, 0.5]))
    got = keyframe_ap(truth, preds)
    assert got.ap[:2].tolist() == [1, 0] and np.isnan(got.ap[2])
    assert got.num_dets.tolist() == [1, 0, 1]


def test_no_boxes_at_all():
    preds = KeyframeBoxes(
        np.zeros(0, int), np.zeros((0, 4), np.float32),
        np.zeros((0, 1), np.float32))
    assert keyframe_ap(truth_of((0, 0, UNIT)), preds).ap.tolist() == [0]


def test_area_under_precision():
    # precisions 1, 1/2, 2/3: the dip is filled up
    hit = np.array([True, False, True])
    assert area_under_precision(hit, 4) == pytest.approx((1 + 2 / 3) / 4)
    assert area_under_precision(hit[:0], 4) == 0


def test_box_iou():
    empty = np.zeros(4, dtype=np.float32)
    first = np.stack([UNIT, UNIT, empty])
    second = np.stack([UNIT + [0.5, 0, 0.5, 0], UNIT + 2, empty])
    assert box_iou(first, second).tolist() == pytest.approx([1 / 3, 0, 0])
