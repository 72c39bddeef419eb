# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.evaluation import (Segments, clean_ground_truth, segment_map,
                               segment_match)
from .reference import random_segments, reference_map

TIOUS = (.3, .5, .7, 1.)


def table(rows, scores=None):
    """Rows (video, label, start, end) as Segments."""
    rows = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return Segments(rows[:, 0].astype(int), rows[:, 1].astype(int),
                    rows[:, 2:], scores and np.array(scores))


@pytest.mark.parametrize('longest', [8, 40])
@pytest.mark.parametrize('seed', range(4))
def test_equals_one_by_one(seed, longest, monkeypatch):
    """Ties in score and in tIoU, crowds of overlapping ground truth."""
    rng = np.random.default_rng(seed)
    gts = random_segments(rng, 60, 5, 3, longest)
    preds = random_segments(rng, 600, 7, 4, longest, scores=True)
    expected = reference_map(gts, preds, TIOUS, (1, 2, 5))
    for pairs in (1 << 21, 50):
        monkeypatch.setattr(segment_match, '_PAIRS', pairs)
        got = segment_map(gts, preds, TIOUS, (1, 2, 5))
        np.testing.assert_allclose(got.ap, expected[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(got.recall, expected[1], atol=1e-12)
        assert got.num_ignored == (preds.labels == 3).sum()


def test_chain_of_displacements():
    """Each prediction takes what the next one wanted first."""
    gts = table([(0, 0, 2 * i, 2 * i + 8) for i in range(20)])
    segments = [(0, 0, 2 * i - .1, 2 * i + 7.9) for i in range(1, 20)]
    preds = table([(0, 0, 1.9, 9.9), *segments],
                  np.linspace(1, .5, 20).tolist())
    expected = reference_map(gts, preds, (.3, .6), (1, ))
    got = segment_map(gts, preds, (.3, .6), (1, ))
    np.testing.assert_allclose(got.ap, expected[0], atol=1e-12)


def test_known_average_precision():
    gts = table([(0, 0, 0, 10), (1, 0, 0, 10), (1, 0, 20, 30)])
    preds = table([(0, 0, 0, 10), (2, 0, 0, 10), (1, 0, 0, 9), (1, 0, 0, 10)],
                  [.9, .8, .7, .6])
    scores = segment_map(gts, preds, (.5, .95), (1, 2))
    # true, false, true, repeated; at 0.95 the repeated one is the true one
    np.testing.assert_allclose(scores.ap[:, 0], [(1 + 2 / 3) / 3, 1.5 / 3])
    # two ground truths in video 1: its two best predictions may look
    np.testing.assert_allclose(scores.recall[:, :, 0], 2 / 3)
    assert scores.num_preds.tolist() == [4]


@pytest.mark.parametrize('factor', [1e-3, 1., 1e4])
def test_scores_only_order(factor):
    rng = np.random.default_rng(0)
    gts = random_segments(rng, 40, 3, 3)
    preds = random_segments(rng, 200, 3, 3, scores=True)
    scaled = preds._replace(scores=preds.scores * factor - 1)
    np.testing.assert_array_equal(
        segment_map(gts, preds, TIOUS).ap,
        segment_map(gts, scaled, TIOUS).ap)


def test_any_whole_numbers_name_classes():
    rng = np.random.default_rng(0)
    gts = random_segments(rng, 40, 3, 3)
    preds = random_segments(rng, 200, 3, 3, scores=True)
    for shift in (-1, 1000):
        moved = segment_map(
            gts._replace(labels=gts.labels + shift),
            preds._replace(labels=preds.labels + shift), TIOUS)
        np.testing.assert_array_equal(moved.ap,
                                      segment_map(gts, preds, TIOUS).ap)


def test_perfect_and_empty_predictions():
    gts = random_segments(np.random.default_rng(1), 30, 4, 3)
    gts, *_ = clean_ground_truth(gts)
    perfect = gts._replace(scores=np.ones(len(gts.labels)))
    assert segment_map(gts, perfect, (.5, 1.)).ap.min() == 1
    assert segment_map(gts, perfect, (.5, 1.)).recall.min() == 1
    nothing = perfect.take(np.zeros(0, dtype=int))
    scores = segment_map(gts, nothing, (.5, ), recall_k=())
    assert scores.average == 0 and scores.recall.shape == (1, 0, 3)


def test_class_without_predictions_counts():
    gts = table([(0, 0, 0, 10), (0, 1, 0, 10)])
    preds = table([(0, 0, 0, 10)], [1.])
    scores = segment_map(gts, preds, (.5, ))
    assert scores.ap.tolist() == [[1., 0.]] and scores.average == .5


def test_zero_length_matches_nothing():
    gts = table([(0, 0, 4, 4), (0, 0, 0, 10)])
    preds = table([(0, 0, 4, 4), (0, 0, 0, 10)], [1., .9])
    assert segment_map(gts, preds, (.1, )).ap[0, 0] == .25


def test_recall_has_its_own_thresholds():
    gts = table([(0, 0, 0, 10)])
    preds = table([(0, 0, 0, 4)], [1.])
    scores = segment_map(gts, preds, (.5, ), (1, ), recall_tious=(.4, .5))
    assert scores.recall.ravel().tolist() == [1., 0.]


def test_clean_ground_truth_keeps_the_first():
    gts = table([(0, 0, 0, 10), (0, 0, 5, 5.0009), (0, 0, 0, 10),
                 (0, 0, .0009, 10), (0, 0, .0018, 10), (0, 1, 0, 10),
                 (1, 0, 0, 10)])
    clean, num_short, num_repeated = clean_ground_truth(gts)
    # The fourth repeats the first; the fifth repeats only what is gone.
    np.testing.assert_array_equal(clean.segments, gts.segments[[0, 4, 5, 6]])
    assert (num_short, num_repeated) == (1, 2)


@pytest.mark.parametrize('tious', [(), (0., .5), (1.1, )])
def test_bad_thresholds(tious):
    gts = table([(0, 0, 0, 10)])
    with pytest.raises(ValueError, match='tIoU thresholds'):
        segment_map(gts, table([(0, 0, 0, 10)], [1.]), tious)


def test_no_ground_truth():
    with pytest.raises(ValueError, match='no ground truth'):
        segment_map(table([]), table([(0, 0, 0, 10)], [1.]), (.5, ))
