# Copyright (c) mmevad authors. All rights reserved.
from pathlib import Path

import numpy as np
import pytest

from mmevad.evaluation import (Segments, read_ground_truth, read_results,
                               segment_map, segment_match)
from mmevad.evaluation.segment_errors import KINDS, analyze_errors
from .reference import random_segments

FIXTURE = Path(__file__).parents[1] / 'data/eval_localization'
TIOUS = (.3, .5, .7)


def table(*rows):
    """Rows (video, label, start, end[, score]) as Segments."""
    rows = np.array(rows, dtype=np.float64)
    scores = rows[:, 4] if rows.shape[1] == 5 else None
    return Segments(rows[:, 0].astype(int), rows[:, 1].astype(int),
                    rows[:, 2:4], scores)


def overlap(a, b):
    shared = max(0., min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0])) if shared else 0.


def kinds_one_by_one(gts, preds, tiou):
    """Names of the kinds, as the docstring defines them."""
    taken, names = set(), [''] * len(preds.labels)
    truth = list(zip(gts.videos, gts.labels, gts.segments))
    for i in np.argsort(-preds.scores, kind='stable'):
        near = [(overlap(preds.segments[i], segment), -j, label, j)
                for j, (video, label, segment) in enumerate(truth)
                if video == preds.videos[i]]
        same = [x for x in near if x[2] == preds.labels[i]]
        other = max((x[0] for x in near if x[2] != preds.labels[i]), default=0)
        free = [x for x in same if x[0] >= tiou and x[3] not in taken]
        best = max((x[0] for x in same), default=0)
        if free:
            taken.add(max(free)[3])
            names[i] = 'true positive'
        elif best >= tiou:
            names[i] = 'double detection'
        elif other >= tiou:
            names[i] = 'wrong label'
        elif best >= .1:
            names[i] = 'localization'
        elif other >= .1:
            names[i] = 'confusion'
        else:
            names[i] = 'background'
    return names


def test_one_of_each_kind():
    gts = table((0, 0, 0, 10), (0, 1, 20, 30))
    preds = table(
        (0, 0, 0, 9, .9),  # right
        (0, 0, 1, 10, .8),  # again
        (0, 1, 0, 9, .7),  # the other label
        (0, 0, 0, 3, .6),  # too short
        (0, 0, 20, 23, .5),  # too short, and the other label
        (0, 0, 50, 60, .4),  # nothing there
        (0, 0, 9.5, 19, .3),  # next to nothing
        (1, 0, 0, 10, .2),  # another video
        (0, 7, 0, 10, .1))  # a label that does not count
    found = analyze_errors(gts, preds, (.5, ), num_ranks=3)
    assert [KINDS[k] for k in found.kinds[0]] == [
        'true positive', 'double detection', 'wrong label', 'localization',
        'confusion', 'background', 'background', 'background'
    ]
    assert found.num_missed.tolist() == [1]
    # class 0 has AP 1 already, and class 1 no detection that is right
    assert found.mean_ap == .5
    assert set(found.gains.values()) == {0.}
    # ranks 0, 1, 2 of class 0, and rank 0 of class 1
    shares = found.profile[0]
    assert shares[0].tolist() == [.5, 0, 0, .5, 0, 0]
    assert shares[1].tolist() == [0, 0, 0, 0, 0, 1]
    assert shares[2].tolist() == [0, 0, 1, 0, 0, 0]


def test_gain_of_a_kind():
    """Two background errors before the only right detection."""
    gts = table((0, 0, 0, 10))
    preds = table((0, 0, 50, 60, .9), (0, 0, 70, 80, .8), (0, 0, 0, 10, .7),
                  (0, 0, 0, 4, .6))
    found = analyze_errors(gts, preds, (.3, .5))
    assert found.mean_ap == pytest.approx(1 / 3)
    assert found.gains == pytest.approx({
        'background': 2 / 3,
        'localization': 0,
        'wrong label': 0,
        'confusion': 0,
        'double detection': 0
    })


@pytest.mark.parametrize('seed', range(4))
def test_equals_one_by_one(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    gts = random_segments(rng, 60, 5, 3, 8)
    preds = random_segments(rng, 400, 7, 4, 8, scores=True)
    kept = preds.take(np.isin(preds.labels, gts.labels))
    for pairs in (1 << 21, 50):
        monkeypatch.setattr(segment_match, '_PAIRS', pairs)
        found = analyze_errors(gts, preds, TIOUS)
        for tiou, row in zip(TIOUS, found.kinds):
            assert [KINDS[k] for k in row] == kinds_one_by_one(gts, kept, tiou)
    assert found.mean_ap == segment_map(gts, preds, TIOUS, ()).average
    assert min(found.gains.values()) >= 0
    np.testing.assert_allclose(found.profile[:, :5].sum(-1), 1)


def test_published_fixture():
    truth = read_ground_truth(str(FIXTURE / 'gt.json'))
    preds = read_results(str(FIXTURE / 'result.json'), truth, 'v_')
    tious = np.arange(.5, 1, .05)
    found = analyze_errors(truth.segments, preds, tious)
    assert found.mean_ap == pytest.approx(0.6177579365)


def test_thresholds_are_above_those_of_background():
    gts = table((0, 0, 0, 10))
    with pytest.raises(ValueError, match='must be above 0.1'):
        analyze_errors(gts, table((0, 0, 0, 1, .5)), (.1, .5))
