# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.evaluation.frame_match import average_precision, match_best
from mmevad.evaluation.tube_map import frame_map
from . import tube_reference as reference
from .tube_samples import (as_detections, as_table, random_detections,
                           random_tubes)

THRESHOLDS = (.3, .5, .75)
BOX = np.array([0., 0, 10, 10])


@pytest.mark.parametrize('mode', ['area', '11points'])
@pytest.mark.parametrize('seed', range(3))
def test_equals_one_by_one(seed, mode):
    """Repeated annotations, equal scores, a class without ground truth."""
    rng = np.random.default_rng(seed)
    gts = random_tubes(rng)
    dets = random_detections(rng, gts)
    got = frame_map(as_table(gts), as_detections(dets), THRESHOLDS, mode)
    labels = sorted({label for _, label, *_ in gts})
    expected = [[
        reference.frame_ap(gts, dets, label, threshold, mode)
        for label in labels
    ] for threshold in THRESHOLDS]
    np.testing.assert_allclose(got.ap[:, labels], expected, atol=1e-12)
    assert np.isnan(got.ap[:, 3]).all() and got.num_gts[3] == 0
    np.testing.assert_allclose(got.mean_ap, np.mean(expected, 1), atol=1e-12)
    assert got.num_dets[0] == sum(0 in scores for *_, scores in dets)


def test_ground_truth_is_perfect():
    rng = np.random.default_rng(0)
    gts = random_tubes(rng)
    dets = [(video, frame, box, {
        label: 1.
    }) for video, label, _, tube in gts for frame, box in tube.items()]
    scores = frame_map(as_table(gts), as_detections(dets), (.5, .95, 1.))
    assert scores.mean_ap.tolist() == [1., 1., 1.]
    # one in two of equal score: found with precision 1, recall one half
    scores = frame_map(as_table([gts[0]]), as_detections(dets[:1]), (.5, ))
    assert scores.ap[0, gts[0][1]] == pytest.approx(1 / len(gts[0][3]))


def test_frames_without_ground_truth_count():
    gts = as_table([(0, 0, 1., {1: BOX, 2: BOX})])
    dets = [(0, 1, BOX, {
        0: .9
    }), (0, 7, BOX, {
        0: .8
    }), (0, 2, BOX, {
        0: .7
    }), (1, 1, BOX, {
        0: .6
    })]
    scores = frame_map(gts, as_detections(dets, 1))
    assert scores.ap[0, 0] == pytest.approx((1 + 2 / 3) / 2)
    assert (scores.num_gts[0], scores.num_dets[0]) == (2, 4)


def test_boxes_are_continuous():
    """Half of the box is an IoU of 0.5; with + 1 it would be 66 / 121."""
    gts = as_table([(0, 0, 1., {1: BOX})])
    dets = as_detections([(0, 1, BOX * [1, 1, .5, 1], {0: 1.})], 1)
    assert frame_map(gts, dets, (.5, .501)).mean_ap.tolist() == [1., 0.]


@pytest.mark.parametrize('size', [(1., 1.), (320., 240.)])
def test_the_same_in_pixels_and_fractions(size):
    rng = np.random.default_rng(5)
    gts = random_tubes(rng)
    dets = as_detections(random_detections(rng, gts))
    table = as_table(gts)
    scale = np.tile(size, 2)
    scaled = frame_map(
        table._replace(boxes=table.boxes / scale),
        dets._replace(boxes=dets.boxes / scale), THRESHOLDS)
    np.testing.assert_array_equal(
        frame_map(table, dets, THRESHOLDS).ap, scaled.ap)


def test_no_detections():
    gts = as_table([(0, 1, 1., {1: BOX})])
    scores = frame_map(gts, as_detections([], 3))
    assert scores.ap[0, 1] == 0 and scores.mean_ap.tolist() == [0.]


def test_a_second_detection_does_not_take_another_box():
    pred, gt = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    iou = np.array([.9, .6, .8, .7])
    hit = match_best(pred, gt, iou, (.5, .85, .95), 2)
    assert hit.tolist() == [[True, False], [True, False], [False, False]]
    # unless it overlaps both equally
    iou = np.array([.9, .9, .8, .8])
    assert match_best(pred, gt, iou, (.5, ), 2).all()


def test_known_average_precision():
    hit = np.array([1, 0, 1, 0, 0, 1], dtype=bool)
    assert average_precision(hit, 4) == pytest.approx((1 + 2 / 3 + .5) / 4)
    # recall .25, .5 and .75 reach 3, 3 and 2 of the eleven
    eleven = (3 + 3 * 2 / 3 + 2 * .5) / 11
    assert average_precision(hit, 4, '11points') == pytest.approx(eleven)
    assert average_precision(hit[:0], 4) == 0
    # 3 of 10 is a recall of 0.3, which floating point misses
    assert average_precision(np.ones(3, bool), 10,
                             '11points') == pytest.approx(4 / 11)
    with pytest.raises(ValueError, match='12points'):
        average_precision(hit, 4, '12points')


def test_wrong_input():
    gts = as_table([(0, 2, 1., {1: BOX})])
    with pytest.raises(ValueError, match='class 2'):
        frame_map(gts, as_detections([], 2))
    with pytest.raises(ValueError, match='thresholds'):
        frame_map(gts, as_detections([], 3), (0., ))
    with pytest.raises(ValueError, match='no ground truth'):
        frame_map(as_table([]), as_detections([], 3))
