"""Soft-NMS equals the plain sequential loop, bit by bit."""
import numpy as np
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.models.actionformer import nms_lockstep
from mmevad.models.actionformer.nms_lockstep import lockstep_soft_nms
from mmevad.models.actionformer.nms_pairs import best_first, gaussian, linear
from mmevad.models.actionformer.nms_sequential import sequential_soft_nms
from .plain_nms import distinct_case, plain, random_case

NAMES = ('segments', 'scores', 'labels')


def run(arrays, **settings):
    nms = MODELS.build(dict(type='SoftNMS', **settings))
    return [part.numpy() for part in nms(*map(torch.from_numpy, arrays))]


def check_equal(got, expected, exact=NAMES):
    for name, one, other in zip(NAMES, got, expected):
        assert one.shape == other.shape, name
        assert one.dtype == other.dtype, name
        if name in exact:
            assert np.array_equal(one, other), name
        else:
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize('method', ['soft', 'linear', 'hard'])
@pytest.mark.parametrize('block', range(4))
def test_equals_plain_loop(method, block):
    """Ties, duplicates, no length, any settings; with and without classes."""
    for seed in range(25 * block, 25 * block + 25):
        arrays, settings = random_case(seed)
        got = run(arrays, method=method, **settings)
        check_equal(got, plain.nms(*arrays, method=method, **settings))
        settings.update(multiclass=False, voting_thresh=.7)
        got = run(arrays, method=method, **settings)
        check_equal(
            got,
            plain.nms(*arrays, method=method, **settings),
            exact=('scores', 'labels'))
        assert np.isfinite(got[0]).all()


@pytest.mark.parametrize('weight', [gaussian(.5), linear(.3)])
@pytest.mark.parametrize('size,classes,max_num', [(2000, 1, 50),
                                                  (2000, 110, None),
                                                  (3000, 7, 200),
                                                  (300, 100, 1000)])
def test_both_ways_agree(size, classes, max_num, weight):
    """All classes at once has an answer here: no scores are equal."""
    segments, scores, labels = distinct_case(size, classes)
    args = (segments, scores, labels.astype(np.uint8), weight, .02, max_num)
    for one, other in zip(
            lockstep_soft_nms(*args), sequential_soft_nms(*args)):
        assert np.array_equal(one, other)


def test_few_pairs_are_looked_at():
    """12000 segments of 20 classes: some of the 7.2 million pairs."""
    segments, scores, labels = distinct_case(12000, 20)
    calls = []

    def counting(overlap):
        calls.append(overlap.size)
        return gaussian(.5)(overlap)

    kept, _ = lockstep_soft_nms(segments, scores, labels.astype(np.uint8),
                                counting, .001, 200)
    assert len(kept) == 200
    assert len(calls) < 20  # rounds, not segments
    assert sum(calls) < 100_000


def test_equal_scores_of_two_classes_at_the_end():
    """The lower class wins, though its segment is far down its list."""
    segments = np.repeat(np.array([[0, 9]], np.float32), 66, 0)
    segments[64:] = 20, 30
    scores = np.linspace(.9, .6, 66, dtype=np.float32)
    scores[64:] = .5
    labels = np.array([0] * 65 + [1])
    kept, new = lockstep_soft_nms(segments, scores, labels.astype(np.uint8),
                                  gaussian(.5), .001, 2)
    assert kept.tolist() == [0, 64]
    assert new.tolist() == scores[[0, 64]].tolist()


def test_gives_up_on_ties_and_on_too_many_pairs(monkeypatch):
    """One selection at a time then answers, as the released loop does."""
    arrays = distinct_case(2000, 3)
    expected = run(arrays)
    args = (*arrays[:2], arrays[2].astype(np.uint8), gaussian(.5), .001, 200)
    assert lockstep_soft_nms(*args) is not None
    monkeypatch.setattr(nms_lockstep, '_MAX_PAIRS', 0)
    assert lockstep_soft_nms(*args) is None
    check_equal(run(arrays), expected)
    monkeypatch.undo()
    tied = np.round(arrays[1], 1)
    assert lockstep_soft_nms(arrays[0], tied, *args[2:]) is None
    arrays = arrays[0], tied, arrays[2]
    check_equal(run(arrays), plain.nms(*arrays))


def test_by_hand():
    """Two segments with IoU 1/3; another class; one far away."""
    segments = torch.tensor([[0., 2.], [1., 3.], [1., 3.], [9., 10.]])
    scores, labels = torch.tensor([.8, .9, .5, .1]), torch.tensor([0, 0, 1, 1])
    iou = 1 / (3 + 1e-6)
    soft = MODELS.build(dict(type='SoftNMS'))(segments, scores, labels)
    assert soft[1].tolist() == pytest.approx(
        [.9, .8 * np.exp(-iou**2 / .5), .5, .1])
    assert soft[0].tolist() == segments[[1, 0, 2, 3]].tolist()
    assert soft[2].tolist() == [0, 0, 1, 1]
    straight = run((segments.numpy(), scores.numpy(), labels.numpy()),
                   method='linear')
    assert straight[1].tolist() == pytest.approx([.9, .8 * (1 - iou), .5, .1])
    for threshold, kept in ((.3, [.9, .5, .1]), (.4, [.9, .8, .5, .1])):
        hard = MODELS.build(
            dict(type='SoftNMS', method='hard', iou_threshold=threshold))
        assert hard(segments, scores,
                    labels)[1].tolist() == pytest.approx(kept)
    # without classes the third is under the second; .5 * exp(-2) = .068
    agnostic = MODELS.build(
        dict(type='SoftNMS', multiclass=False, min_score=.07))
    assert agnostic(segments, scores, labels)[1].tolist() == pytest.approx(
        [.9, .8 * np.exp(-iou**2 / .5), .1])


def test_first_of_a_class_is_never_tested():
    segments = np.array([[0, 1], [5, 6], [5, 6], [0, 1]], np.float32)
    scores = np.array([.3, .01, .02, .01], np.float32)
    labels = np.array([0, 1, 1, 0])
    got = run((segments, scores, labels), min_score=.1)
    assert got[1].tolist() == scores[[0, 2]].tolist()


def test_none_returns_its_input():
    arrays = distinct_case(50, 3)
    check_equal(run(arrays, method='none', max_seg_num=1), arrays)


@pytest.mark.parametrize('method', ['soft', 'linear', 'hard', 'none'])
@pytest.mark.parametrize('multiclass', [True, False])
def test_empty(method, multiclass):
    empty = (torch.empty(0, 2), torch.empty(0), torch.empty(0, dtype=int))
    nms = MODELS.build(
        dict(
            type='SoftNMS',
            method=method,
            multiclass=multiclass,
            voting_thresh=.7))
    got = nms(*empty)
    for part, given in zip(got, empty):
        assert part.shape == given.shape and part.dtype == given.dtype


def test_voting_by_hand():
    """Voters of any class, without those that have no length."""
    segments = torch.tensor([[0., 10.], [1., 11.], [5., 5.], [0., 3.]])
    scores, labels = torch.tensor([.9, .6, .5, .4]), torch.tensor([0, 1, 2, 0])
    nms = MODELS.build(
        dict(type='SoftNMS', multiclass=False, voting_thresh=.7))
    voted, new, classes = nms(segments, scores, labels)
    weights = np.array([.9, .6 * 9 / 11])
    shift = weights[1] / weights.sum()
    voted = {label: v for label, v in zip(classes.tolist(), voted.tolist())}
    assert classes[0] == 0
    assert nms(segments, scores,
               labels)[0][0].tolist() == pytest.approx([shift, 10 + shift])
    assert voted[2] == [5., 5.]
    weights = np.array([.9 * 9 / 11, .6])
    assert voted[1] == pytest.approx(
        [weights[1] / weights.sum(), 10 + weights[1] / weights.sum()])


def test_voting_in_chunks(monkeypatch):
    """A cap on memory changes nothing."""
    arrays = distinct_case(400, 1)
    settings = dict(multiclass=False, voting_thresh=.05)
    expected = run(arrays, **settings)
    monkeypatch.setattr('mmevad.models.actionformer.voting._MAX_PAIRS', 100)
    check_equal(run(arrays, **settings), expected)
    check_equal(
        expected, plain.nms(*arrays, **settings), exact=('scores', 'labels'))


def test_best_first_is_stable():
    scores = np.array([.5, 0, .5, 1, .5, 0], np.float32)
    groups = np.array([1, 0, 0, 300, 1, 0], np.uint16)
    assert best_first(scores, groups).tolist() == [3, 2, 0, 4, 1, 5]


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_gpu_equals_cpu():
    arrays = distinct_case(3000, 5)
    given = [torch.from_numpy(part).cuda() for part in arrays]
    got = MODELS.build(dict(type='SoftNMS'))(*given)
    assert all(part.is_cuda for part in got)
    check_equal([part.cpu().numpy() for part in got], run(arrays))


def test_half_precision_stays_half():
    arrays = distinct_case(40, 2)
    given = (torch.from_numpy(arrays[0]).half(),
             torch.from_numpy(arrays[1]).half(), torch.from_numpy(arrays[2]))
    got = MODELS.build(dict(type='SoftNMS'))(*given)
    assert [part.dtype for part in got] == [part.dtype for part in given]


@pytest.mark.parametrize('settings,message', [
    (dict(method='gauss'), 'soft, linear, hard, none'),
    (dict(sigma=0), 'sigma'),
    (dict(max_seg_num=0), 'None for all'),
    (dict(iou_threshold=1.1), 'iou_threshold'),
    (dict(voting_thresh=-.1), 'voting_thresh'),
    (dict(min_score=-1), 'min_score'),
])
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(type='SoftNMS', **settings))


@pytest.mark.parametrize('place,value,message', [
    ((0, 0, 0), float('nan'), 'NaN or infinite'),
    ((1, 3), float('inf'), 'NaN or infinite'),
    ((1, 3), -.5, 'probabilities'),
    ((0, 2, 1), -99., 'ends'),
])
def test_bad_segments(place, value, message):
    arrays = distinct_case(5, 2)
    arrays[place[0]][place[1:]] = value
    with pytest.raises(ValueError, match=message):
        run(arrays)
