"""The segment dataset against items of the released code.

The folder comes from the environment variable MMEVAD_GOLDEN; another one of
the same form can be tested. Its optional files may be absent.
"""
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from pytest import approx

import mmevad  # noqa: F401  isort: skip
from mmengine.registry import init_default_scope

from mmevad.datasets import RandomCropSegments, SegmentDataset
from mmevad.datasets.segment_features import ClipFeatures
from mmevad.datasets.transforms.segments import cut_segments

ROOT = Path(
    os.environ.get('MMEVAD_GOLDEN',
                   Path(__file__).parents[1] / 'data' / 'golden'))
ROOT = ROOT / 'actionformer'


def _load():
    if not (ROOT / 'extras.npz').exists():
        return {}, {}
    with np.load(ROOT / 'extras.npz') as file:
        arrays = {key: file[key] for key in file.files}
    return json.loads((ROOT / 'extras.json').read_text()), arrays


EXTRAS, ARRAYS = _load()
WINDOWS = sorted(
    {key.split('/')[1]
     for key in ARRAYS if re.match(r'trunc/st\d', key)})
ITEMS = [
    key for key in EXTRAS if key.startswith('data/') and key != 'data/database'
]
LENGTHS = EXTRAS.get('crop_ratio_0.9_1.0_ranges', {})


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmaction')


@pytest.mark.parametrize('window', WINDOWS)
def test_golden_actionformer_truncation(window):
    """Windows of 32 of 80 features, grid offset 2."""
    start, thresh = re.match(r'st(\d+)_th([\d.]+)', window).groups()
    segments = ARRAYS['trunc/in_segments']
    cut, ratios = cut_segments(segments, int(start) - 2, int(start) + 34)
    kept = ratios >= float(thresh)
    assert np.flatnonzero(
        kept).tolist() == ARRAYS[f'trunc/{window}/kept'].tolist()
    assert np.array_equal(cut[kept] - np.float32(start),
                          ARRAYS[f'trunc/{window}/segments'])


@pytest.mark.parametrize('window', WINDOWS)
def test_golden_actionformer_crop(window, monkeypatch):
    """The transform, with the window's start in place of a random one."""
    start, thresh = re.match(r'st(\d+)_th([\d.]+)', window).groups()
    monkeypatch.setattr(np.random, 'randint', lambda low, high: int(start))
    segments = ARRAYS['trunc/in_segments']
    rows = np.arange(80, dtype=np.float32)[:, None]
    out = RandomCropSegments(32, float(thresh))(
        dict(
            feats=ClipFeatures([rows]),
            fps=30,
            feat_stride=4,
            num_frames=16,
            segments=segments,
            labels=np.arange(len(segments))))
    assert out['feats'].read()[0].tolist() == list(
        range(int(start),
              int(start) + 32))
    assert out['labels'].tolist() == ARRAYS[f'trunc/{window}/kept'].tolist()
    assert np.array_equal(out['segments'], ARRAYS[f'trunc/{window}/segments'])


@pytest.mark.parametrize('length', LENGTHS)
def test_golden_actionformer_crop_ratio(length, monkeypatch):
    """Bounds of both random numbers when the shortest crop is drawn."""
    drawn = []

    def shortest(low, high):
        drawn.append([low, high - 1])
        return low

    monkeypatch.setattr(np.random, 'randint', shortest)
    RandomCropSegments(2304, 0.5, (0.9, 1.0))(
        dict(
            feats=ClipFeatures([np.zeros((int(length), 1))]),
            fps=30,
            feat_stride=4,
            num_frames=16,
            segments=np.zeros((0, 2), np.float32),
            labels=np.zeros(0, np.int64)))
    expected = [
        LENGTHS[length]['crop_len_range'],
        LENGTHS[length]['start_range_for_shortest']
    ]
    assert drawn == [bounds for bounds in expected if bounds]


def _settings(name):
    """Arguments of the dataset and pipeline of a stored item."""
    kind, split = re.match(r'(.*)_(train|eval)_', name).groups()
    grid = dict(feat_stride=16, num_frames=16)
    if kind == 'thumos':
        grid = dict(feat_stride=4, num_frames=16)
    elif 'fixed' in kind:
        grid = dict(feat_stride=None, num_frames=None)
    pipeline = [dict(type='LoadSegmentFeatures')]
    rate = re.search(r'downsample(\d+)', name)
    if rate:
        pipeline += [dict(type='DownsampleFeatures', rate=int(rate[1]))]
    if 'upsample' in kind:
        pipeline += [dict(type='ResizeFeatures', size=64)]
    pipeline += [dict(type='SecondsToGrid')]
    if 'anet' in kind and split == 'train':
        pipeline += [dict(type='CutSegmentsToFeatures', trunc_thresh=0.5)]
    pipeline += [dict(type='PackSegmentInputs')]
    return grid, dict(
        remove_duplicates='anet' in kind, test_mode=split == 'eval'), pipeline


@pytest.mark.parametrize('key', ITEMS)
def test_golden_actionformer_item(key, tmp_path):
    facts, name = EXTRAS[key], key.split('/')[1]
    video = re.search(r'_(?:train|eval)_([^_]+)', name)[1]
    grid, arguments, pipeline = _settings(name)
    ann_file = tmp_path / 'ann.json'
    ann_file.write_text(
        json.dumps(dict(database={video: EXTRAS['data/database'][video]})))
    raw = ARRAYS.get(f'data/raw_feats_{video}')
    if raw is None:
        raw = np.random.rand(150, 24).astype(np.float32)
    np.save(tmp_path / f'{video}.npy', raw)
    dataset = SegmentDataset(
        str(ann_file),
        data_prefix=dict(feat=str(tmp_path)),
        pipeline=pipeline,
        **grid,
        **arguments)
    inputs, sample = dataset[0].values()
    assert list(inputs.shape) == facts['feats_shape']
    if f'{key}/feats' in ARRAYS:
        assert np.abs(inputs.numpy() - ARRAYS[f'{key}/feats']).max() < 1e-6
    assert sample.feat_len == facts['feats_shape'][1]
    assert sample.feat_stride == approx(facts['feat_stride'], rel=1e-12)
    assert sample.num_frames == approx(facts['feat_num_frames'], rel=1e-12)
    assert sample.fps == facts['fps']
    assert sample.duration == facts['duration']
    gts = sample.gt_instances
    assert np.array_equal(gts.segments.numpy(), ARRAYS[f'{key}/segments'])
    assert np.array_equal(gts.labels.numpy(), ARRAYS[f'{key}/labels'])
