# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.evaluation import tube_linking
from mmevad.evaluation.tube_linking import Linking, link_tubes
from mmevad.evaluation.tube_map import fill_gaps
from . import tube_reference as reference
from .tube_samples import (as_detections, as_plain, random_detections,
                           random_tubes)

SETTINGS = (
    dict(),
    dict(iou_weight=1, min_length=1),
    dict(iou_thr=.5, max_gap=1, min_length=2),
    dict(nms_iou_thr=.3, top_k=2, min_length=1),
    dict(nms_iou_thr=.6, min_score=.2, min_length=4),
    dict(iou_weight=.5, max_gap=8, top_k=None, min_tube_score=.4),
)


def detections(*rows):
    """Rows (frame, x1, score) of boxes of 10 x 10 in one video."""
    return as_detections([(0, frame, np.array([x, 0., x + 10, 10]), {
        0: score
    }) for frame, x, score in rows], 1)


def linked(dets, **kwargs):
    """Tubes as lists of (frame, x1)."""
    return [[(frame, float(box[0])) for frame, box in tube.items()]
            for *_, tube in as_plain(
                link_tubes(dets, Linking(**{
                    'min_length': 1,
                    **kwargs
                })))]


@pytest.mark.parametrize('settings', SETTINGS)
@pytest.mark.parametrize('rows', [1 << 17, 40])
def test_equals_one_by_one(settings, rows, monkeypatch):
    """Crowds, equal scores, gaps; also when videos are linked in parts."""
    monkeypatch.setattr(tube_linking, '_ROWS', rows)
    monkeypatch.setattr(tube_linking, '_PAIRS', 4 * rows)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        dets = random_detections(rng, random_tubes(rng, 4, most=5), noise=5.)
        expected = reference.link(dets, 4, **settings)
        table = link_tubes(as_detections(dets), Linking(**settings))
        got = as_plain(fill_gaps(table))
        assert len(got) == len(expected) > 4
        for tube, other in zip(_sorted(got), _sorted(expected)):
            assert tube[:2] == other[:2]
            assert tube[2] == pytest.approx(other[2], abs=1e-12)
            assert list(tube[3]) == list(other[3])
            np.testing.assert_allclose(
                list(tube[3].values()), list(other[3].values()), atol=1e-9)


def _sorted(tubes):
    return sorted(
        tubes, key=lambda t: (t[0], t[1], min(t[3]), *t[3][min(t[3])]))


def test_a_gap_is_bridged_up_to_its_limit():
    dets = detections((1, 0, .5), (6, 0, .5), (12, 0, .5))
    assert linked(dets) == [[(1, 0.), (6, 0.)], [(12, 0.)]]
    assert len(linked(dets, max_gap=1)) == 3
    assert len(linked(dets, max_gap=6)) == 1
    one = link_tubes(dets, Linking(max_gap=1, min_length=1), step=6)
    assert one.sizes.tolist() == [3]


def test_iou_keeps_people_apart():
    """B has the better score, but A's box is nearer to A."""
    dets = detections((1, 0, .9), (1, 4, .8), (2, 0, .8), (2, 4, .9))
    assert linked(dets) == [[(1, 0.), (2, 4.)], [(1, 4.), (2, 0.)]]
    assert linked(
        dets, iou_weight=1) == [[(1, 0.), (2, 0.)], [(1, 4.), (2, 4.)]]


def test_the_better_tube_chooses_first():
    dets = detections((1, 0, .3), (1, 4, .9), (2, 1, .5))
    assert linked(dets) == [[(1, 0.)], [(1, 4.), (2, 1.)]]
    dets = detections((1, 0, .9), (1, 4, .3), (2, 1, .5))
    assert linked(dets) == [[(1, 0.), (2, 1.)], [(1, 4.)]]


def test_nms_and_best_boxes():
    dets = detections((1, 0, .5), (1, 1, .9), (1, 40, .7), (1, 80, .6))
    starts = dict(nms_iou_thr=.3, top_k=2)
    assert linked(dets, **starts) == [[(1, 1.)], [(1, 40.)]]
    assert len(linked(dets)) == 4


def test_classes_and_videos_do_not_meet():
    box = np.array([0., 0, 10, 10])
    dets = [(0, 1, box, {
        0: .5,
        1: .25
    }), (0, 2, box, {
        0: .75
    }), (1, 3, box, {
        0: .5
    })]
    table = link_tubes(as_detections(dets, 2), Linking(min_length=1))
    assert table.videos.tolist() == [0, 0, 1]
    assert table.labels.tolist() == [0, 1, 0]
    assert table.scores.tolist() == [.625, .25, .5]
    assert table.sizes.tolist() == [2, 1, 1]


def test_no_boxes():
    dets = detections()
    table = link_tubes(dets._replace(scores=np.zeros((0, 3))))
    assert len(table.videos) == 0 and len(table.rows) == 0


@pytest.mark.parametrize('wrong', [
    dict(max_gap=0),
    dict(iou_thr=0.),
    dict(top_k=0),
    dict(iou_weight=-1.),
    dict(min_length=0)
])
def test_wrong_settings(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        linked(detections((1, 0, .5)), **wrong)
