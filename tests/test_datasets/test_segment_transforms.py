"""Grid, cuts and random crops of segments."""
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmevad.datasets import (CutSegmentsToFeatures, DownsampleFeatures,
                             PackSegmentInputs, RandomCropSegments,
                             ResizeFeatures, SecondsToGrid)
from mmevad.datasets.segment_features import ClipFeatures
from mmevad.structures import FeatureGrid
from mmevad.utils import DataError
from .segment_files import features


def sample(length, *segments, feat_stride=4., num_frames=16., width=2):
    """A video whose first channel counts its features."""
    feats = features(length, width)
    feats[:, 0] = np.arange(length)
    return dict(
        video_name='a',
        duration=length / 5,
        fps=20.,
        feat_stride=feat_stride,
        num_frames=num_frames,
        feat_files=['a.npy'],
        feats=ClipFeatures([feats]),
        segments=np.array(segments, dtype=np.float32).reshape(-1, 2),
        labels=np.arange(len(segments)))


def grid(results):
    return FeatureGrid(results['fps'], results['feat_stride'],
                       results['num_frames'])


def first_row(results):
    return results['feats'].read()[0]


def test_seconds_to_grid():
    """5 s * 20 fps / 4 - 16 / 2 / 4 = 23."""
    out = SecondsToGrid()(sample(100, [5, 7.4]))
    assert out['segments'].tolist() == [[23, 35]]
    assert out['segments'].dtype == np.float32


def test_seconds_to_grid_without_annotation():
    results = sample(100)
    del results['segments'], results['labels']
    out = PackSegmentInputs()(SecondsToGrid()(results))
    assert 'gt_instances' not in out['data_samples']
    assert out['inputs'].shape == (2, 100)


def test_downsample():
    out = DownsampleFeatures(3)(sample(100))
    assert first_row(out).tolist() == list(range(0, 100, 3))
    assert (out['feat_stride'], out['num_frames']) == (12, 16)


def test_resize():
    """The stride shares 4 * 99 + 16 frames among the new features."""
    out = ResizeFeatures(8)(sample(100))
    assert out['feat_stride'] == out['num_frames'] == 412 / 8
    expected = np.clip((np.arange(8) + 0.5) * 100 / 8 - 0.5, 0, 99)
    assert np.allclose(first_row(out), expected, atol=1e-4)


@pytest.mark.parametrize('length,size', [(57, 192), (57, 57), (500, 192)])
def test_resize_keeps_the_covered_frames(length, size):
    """The edges of the covered frames stay at the ends of the grid."""
    results = sample(length)
    old = grid(results)
    low, high = old.to_seconds(
        -old.offset), old.to_seconds(length - 1) + old.num_frames / 2 / old.fps
    out = ResizeFeatures(size)(results)
    assert out['feats'].shape == (size, 2)
    new = grid(out)
    assert new.offset == 0.5
    assert new.to_grid(low) == pytest.approx(-0.5, abs=1e-9)
    assert new.to_grid(high) == pytest.approx(size - 0.5, abs=1e-9)


def test_cut_to_features():
    """Features end at 10 + 2; the third segment is half inside."""
    results = sample(10, [-3, 5], [1, 12], [10, 14], [9.9, 14.2], [12, 13],
                     [3, 3])
    out = CutSegmentsToFeatures(0.5)(results)
    assert out['segments'].tolist() == [[-3, 5], [1, 12], [10, 12]]
    assert out['labels'].tolist() == [0, 1, 2]


def test_short_video_stays_whole():
    results = sample(50, [-3, 99])
    out = RandomCropSegments(50, 0.5)(dict(results))
    assert out['feats'].shape[0] == 50
    assert out['segments'].tolist() == [[-3, 99]]


def test_crop_ratio_one_stays_whole():
    out = RandomCropSegments(64, 0.5, (1., 1.))(sample(50, [-3, 99]))
    assert out['segments'].tolist() == [[-3, 99]]


def test_crop_keeps_features_and_segments_together():
    segments = [[5, 15], [40, 42], [80.5, 99]]
    crop = RandomCropSegments(32, 0.5)
    starts = set()
    for seed in range(60):
        np.random.seed(seed)
        out = crop(sample(100, *segments))
        start = int(first_row(out)[0])
        starts.add(start)
        assert first_row(out).tolist() == list(range(start, start + 32))
        assert len(out['segments']) == len(out['labels']) > 0
        for label, kept in zip(out['labels'], out['segments'] + start):
            low, high = segments[label]
            assert kept.tolist() == [
                max(low, start - 2),
                min(high, start + 34)
            ]
            assert kept[1] - kept[0] >= 0.5 * (high - low)
        for label in set(range(3)) - set(out['labels'].tolist()):
            low, high = segments[label]
            inside = min(high, start + 34) - max(low, start - 2)
            assert inside < 0.5 * (high - low)
    assert len(starts) > 20 and max(starts) <= 68


def test_crop_follows_numpy_seed():
    results = sample(300, [20, 40], [200, 230])
    crop = RandomCropSegments(64, 0.5, (0.9, 1.))
    runs = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        runs.append([first_row(crop(dict(results)))[0] for _ in range(10)])
    assert runs[0] == runs[1] != runs[2]


def test_crop_ratio_lengths():
    """Lengths 45 to 50, all of them, and every start that fits."""
    crop = RandomCropSegments(64, 0.5, (0.9, 1.))
    np.random.seed(0)
    found = set()
    for _ in range(400):
        rows = first_row(crop(sample(50, [20, 30])))
        found.add((len(rows), int(rows[0])))
    assert found == {(size, start)
                     for size in range(45, 51)
                     for start in range(51 - size)}


def test_crop_gives_up_after_max_tries(monkeypatch):
    drawn = []

    def randint(low, high):
        drawn.append(0)
        return 0

    monkeypatch.setattr(np.random, 'randint', randint)
    out = RandomCropSegments(32, 0.5, max_tries=7)(sample(100, [80, 90]))
    assert len(drawn) == 7
    assert out['segments'].shape == (0, 2) and out['labels'].shape == (0, )
    assert out['feats'].shape[0] == 32


def test_crop_of_background_draws_once(monkeypatch):
    drawn = []

    def randint(low, high):
        drawn.append((low, high))
        return low

    monkeypatch.setattr(np.random, 'randint', randint)
    out = RandomCropSegments(32, 0.5)(sample(100))
    assert drawn == [(0, 69)]
    assert out['segments'].shape == (0, 2)


def test_crop_reads_nothing():

    class Unreadable:
        shape = (200_000, 2048)

        def __getitem__(self, rows):
            raise AssertionError('read before the crop')

    results = sample(10, [150_000, 150_010])
    results['feats'] = ClipFeatures([Unreadable()])
    out = RandomCropSegments(2304, 0.5, max_tries=100_000)(results)
    assert out['feats'].shape == (2304, 2048)
    assert len(out['labels']) == 1


def test_pack():
    out = PackSegmentInputs()(sample(20, [1, 2], [3, 4], width=5))
    inputs, data_sample = out['inputs'], out['data_samples']
    assert inputs.shape == (5, 20) and inputs.dtype == torch.float32
    assert inputs.t().is_contiguous()
    assert data_sample.metainfo == dict(
        video_name='a',
        duration=4.,
        fps=20.,
        feat_stride=4.,
        num_frames=16.,
        feat_len=20)
    gts = data_sample.gt_instances
    assert gts.segments.dtype == torch.float32
    assert gts.segments.tolist() == [[1, 2], [3, 4]]
    assert gts.labels.tolist() == [0, 1] and gts.labels.dtype == torch.int64


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_pack_refuses_nan(value):
    results = sample(20)
    results['feats'].streams[0][7, 1] = value
    with pytest.raises(DataError, match='Video a: a.npy has NaN'):
        PackSegmentInputs()(results)


@pytest.mark.parametrize('name,arguments', [
    ('DownsampleFeatures', dict(rate=0)),
    ('ResizeFeatures', dict(size=0)),
    ('CutSegmentsToFeatures', dict(trunc_thresh=0.)),
    ('RandomCropSegments', dict(max_seq_len=0, trunc_thresh=.5)),
    ('RandomCropSegments', dict(max_seq_len=9, trunc_thresh=1.5)),
    ('RandomCropSegments',
     dict(max_seq_len=9, trunc_thresh=.5, crop_ratio=(1., .9))),
    ('RandomCropSegments', dict(max_seq_len=9, trunc_thresh=.5, max_tries=0)),
])
def test_bad_arguments(name, arguments):
    with pytest.raises(ValueError, match='must be'):
        Compose([dict(type=name, _scope_='mmaction', **arguments)])
