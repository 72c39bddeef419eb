# Copyright (c) mmevad authors. All rights reserved.
"""What NMS of segments does with numbers that are none, or make no sense.

Each method, with and without classes and voting: an error that says what is
wrong, or the documented result. A call that hangs would stop the suite.
"""
import itertools
import math

import numpy as np
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

INF, NAN = math.inf, math.nan
SETTINGS = list(
    itertools.product(('soft', 'linear', 'hard'), (True, False), (0., .7)))
# where, and what: column 0 and 1 of a segment, or its score
BAD = {
    'start is NaN': (0, NAN, 'NaN or infinite'),
    'end is NaN': (1, NAN, 'NaN or infinite'),
    'start is infinite': (0, -INF, 'NaN or infinite'),
    'end is infinite': (1, INF, 'NaN or infinite'),
    'start is behind all ends': (0, INF, 'NaN or infinite'),
    'too large for float32': (1, 1e300, 'NaN or infinite'),
    'negative length': (1, -99., r'ends \(-99\) before it starts'),
    'score is NaN': (None, NAN, 'NaN or infinite'),
    'score is infinite': (None, INF, 'NaN or infinite'),
    'score is minus infinite': (None, -INF, 'NaN or infinite'),
    'score is negative': (None, -.5, 'probabilities, got -0.5'),
}


def build(method, multiclass, voting_thresh, **kwargs):
    return MODELS.build(
        dict(
            type='SoftNMS',
            method=method,
            multiclass=multiclass,
            voting_thresh=voting_thresh,
            **kwargs))


def candidates(count=60, classes=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    start = torch.rand(count, generator=rng, dtype=torch.double) * 50
    length = torch.rand(count, generator=rng, dtype=torch.double) * 20
    return (torch.stack((start, start + length),
                        1), torch.rand(count, generator=rng),
            torch.randint(classes, (count, ), generator=rng))


@pytest.mark.parametrize('place', [0, 31, 59])
@pytest.mark.parametrize('what', BAD)
@pytest.mark.parametrize('settings', SETTINGS)
def test_nonsense_is_refused(settings, what, place):
    """One bad number among sixty segments."""
    column, value, message = BAD[what]
    segments, scores, labels = candidates()
    if column is None:
        scores[place] = value
    else:
        segments[place, column] = value
    with pytest.raises(ValueError, match=message):
        build(*settings)(segments, scores, labels)


@pytest.mark.parametrize('settings', SETTINGS)
@pytest.mark.parametrize('value', [NAN, INF, -INF])
def test_nothing_but_nonsense_is_refused(settings, value):
    segments, scores, labels = candidates()
    for wrong in ((torch.full_like(segments, value), scores),
                  (segments, torch.full_like(scores, value))):
        with pytest.raises(ValueError, match='NaN or infinite'):
            build(*settings)(*wrong, labels)


@pytest.mark.parametrize('what', BAD)
def test_none_returns_its_input_whatever_it_is(what):
    column, value, _ = BAD[what]
    segments, scores, labels = candidates()
    (scores if column is None else segments[:, column])[7] = value
    given = (segments, scores, labels)
    for got, same in zip(build('none', True, 0.)(*given), given):
        assert got is same


@pytest.mark.parametrize('settings', SETTINGS)
def test_segments_without_length_stay(settings):
    """They overlap nothing, not even one at the same place."""
    segments = torch.tensor([[5., 5.], [5., 5.], [2., 2.], [8., 8.]])
    scores = torch.tensor([.9, .8, .7, .6])
    got, new, labels = build(*settings)(segments, scores, torch.zeros(4).int())
    assert torch.equal(got, segments)
    assert torch.equal(new, scores)


@pytest.mark.filterwarnings('ignore:(overflow|invalid value) encountered')
@pytest.mark.parametrize('settings', SETTINGS)
def test_lengths_beyond_float32_give_no_nan(settings):
    """Both ends are finite, their distance is not."""
    segments = torch.tensor([[-3e38, 3e38], [0., 1.], [0., 3e38], [0., 2.],
                             [5., 6.]])
    scores, labels = torch.tensor([.5, .9, .8, .6, .3]), torch.arange(5) % 2
    got, new, _ = build(*settings)(segments, scores, labels)
    assert got.isfinite().all() and new.isfinite().all()
    assert 3 < len(got) <= 5 and new[0] == scores[1]
    assert (new.diff() <= 0).all() and (new <= .9).all()
    assert (got[:, 0] <= got[:, 1]).all()


@pytest.mark.parametrize('settings', SETTINGS)
@pytest.mark.parametrize('score', [0., 1e-45, 1e-30, 1., 1e6])
def test_any_score_that_is_a_number(settings, score):
    """Zero, denormal, far above 1; all of them equal."""
    segments, scores, labels = candidates()
    got, new, found = build(
        *settings, min_score=0.)(segments, torch.full_like(scores, score),
                                 labels)
    assert got.isfinite().all() and new.isfinite().all()
    assert (0 <= new).all() and (new <= np.float32(score)).all()
    assert len(got) == len(new) == len(found)
    # hard NMS keeps what is greater than min_score
    assert (len(got) > 0) == (score > 0 or settings[0] != 'hard')


@pytest.mark.parametrize('settings', SETTINGS)
def test_one_segment_many_times(settings):
    """A thousand copies: one is kept by hard NMS, the others only decay."""
    count = 1000
    segments = torch.tensor([[3., 9.]]).repeat(count, 1)
    scores, labels = torch.full((count, ), .5), torch.zeros(count).long()
    got, new, _ = build(
        *settings, max_seg_num=None, min_score=0.)(segments, scores, labels)
    assert len(got) == (1 if settings[0] == 'hard' else count)
    assert new[0] == .5
    torch.testing.assert_close(got, segments[:len(got)])
    if settings[0] == 'soft':  # exp(-IoU^2 / 0.5) with an IoU of nearly 1
        assert new[1].item() == pytest.approx(.5 * math.exp(-2), rel=1e-5)
