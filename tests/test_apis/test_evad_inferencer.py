# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config

from mmevad.apis import EVADInferencer, open_video
from mmevad.utils.checkpoint import CheckpointError
from mmevad.utils.errors import DataError
from .small import (CONFIG, FPS, HEIGHT, LENGTH, NAMES, WIDTH, frames,
                    write_checkpoint, write_folder)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('inferencer')
    write_checkpoint(root / 'a.pth', dataset_meta=dict(classes=NAMES))
    write_folder(root / 'clip', frames())
    return root


@pytest.fixture(scope='module')
def inferencer(root):
    return EVADInferencer(CONFIG, str(root / 'a.pth'), person_score_thr=0)


@pytest.fixture(scope='module')
def video(root):
    return open_video(str(root / 'clip'), FPS)


@pytest.mark.parametrize('keyframe, expected', [
    (0, [0, 0, 0, 0, 0, 2, 4, 6]),
    (3, [0, 0, 0, 1, 3, 5, 7, 9]),
    (15, [7, 9, 11, 13, 15, 17, 19, 21]),
    (29, [21, 23, 25, 27, 29, 29, 29, 29]),
])
def test_clips_surround_the_keyframe_and_repeat_the_ends(
        inferencer, keyframe, expected):
    assert inferencer.clip_indices(keyframe, LENGTH).tolist() == expected


def test_input_is_that_of_the_datasets_test_pipeline(inferencer, video, root):
    rows = [f'clip,{t},0.1,0.1,0.5,0.5,1,0' for t in (1, 16, 30)]
    (root / 'a.csv').write_text('\n'.join(rows) + '\n')
    settings = Config.fromfile(CONFIG).test_dataloader.dataset
    settings.update(
        ann_file=str(root / 'a.csv'),
        label_file=None,
        filename_tmpl='img_{}.png',
        data_prefix=dict(img=str(root)))
    dataset = DATASETS.build(settings)
    # files count from 1
    for item, keyframe in zip(dataset, (0, 15, 29)):
        own = inferencer.preprocess(video, keyframe)
        assert own['inputs'].shape == (3, 8, HEIGHT, WIDTH)
        assert torch.equal(own['inputs'], item['inputs'])
        assert own['data_samples'].img_shape == item['data_samples'].img_shape


def test_keyframes_times_and_boxes(inferencer, video):
    found = list(inferencer.detect(video, every=7))
    assert [k.index for k in found] == [0, 7, 14, 21, 28]
    np.testing.assert_allclose([k.time for k in found],
                               [0, .56, 1.12, 1.68, 2.24])
    for keyframe in found:
        assert len(keyframe.persons) == 20  # all queries pass
        scores = [p.person_score for p in keyframe.persons]
        assert scores == sorted(scores, reverse=True)
        assert 0 < min(scores) and max(scores) < 1
        boxes = np.array([p.box for p in keyframe.persons])
        assert boxes.min() >= 0
        assert (boxes[:, 2:] <= (WIDTH - 1, HEIGHT - 1)).all()
        assert all(p.scores.shape == (7, ) for p in keyframe.persons)


def test_batches_change_nothing(inferencer, video):
    single = list(inferencer.detect(video, every=6, batch_size=1))
    for size in (2, 5):
        batched = list(inferencer.detect(video, every=6, batch_size=size))
        assert [k.index for k in batched] == [0, 6, 12, 18, 24]
        for one, other in zip(single, batched):
            for a, b in zip(one.persons, other.persons):
                np.testing.assert_allclose(a.box, b.box, atol=1e-3)
                np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
                assert abs(a.person_score - b.person_score) < 1e-5


def test_boxes_are_in_pixels_of_the_video(root, inferencer, video):
    """Twice the size, brought back by short_side: twice the boxes."""
    large = root / 'large'
    if not large.exists():
        write_folder(large, frames().repeat(2, 1).repeat(2, 2))
    twice = EVADInferencer(
        CONFIG, str(root / 'a.pth'), person_score_thr=0, short_side=HEIGHT)
    found = next(twice.detect(open_video(str(large))))
    expected = next(inferencer.detect(video))
    for a, b in zip(found.persons, expected.persons):
        np.testing.assert_allclose(a.box, 2 * b.box, atol=1e-2)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)


def test_nobody_is_found_where_nobody_passes(root, video):
    strict = EVADInferencer(CONFIG, str(root / 'a.pth'), person_score_thr=.999)
    assert [k.persons for k in strict.detect(video, every=20)] == [[], []]


def test_names_come_from_the_checkpoint(inferencer):
    assert inferencer.classes == list(NAMES)


def test_a_resize_of_the_config_is_used(root, video):
    cfg = Config.fromfile(CONFIG)
    steps = cfg.test_dataloader.dataset.pipeline
    steps[[s['type'] for s in steps].index('Resize')].scale = (-1, 64)
    inferencer = EVADInferencer(cfg, str(root / 'a.pth'), person_score_thr=0)
    assert inferencer.preprocess(video, 0)['inputs'].shape == (3, 8, 64, 85)
    boxes = [p.box for p in next(inferencer.detect(video)).persons]
    assert np.max(boxes) > 90  # pixels of the video, not of the clip


def test_what_does_not_fit_is_named(root, tmp_path):
    weights = str(root / 'a.pth')
    with pytest.raises(DataError, match='The config no.py does not exist'):
        EVADInferencer('no.py', weights)
    with pytest.raises(CheckpointError, match='no.pth: there is no such'):
        EVADInferencer(CONFIG, 'no.pth')
    (tmp_path / 'b.pth').write_text('no checkpoint')
    with pytest.raises(CheckpointError, match='cannot read .*b.pth'):
        EVADInferencer(CONFIG, str(tmp_path / 'b.pth'))
    cfg = Config.fromfile(CONFIG)
    cfg.model.context_decoder.num_classes = 24
    with pytest.raises(CheckpointError, match='4 of another shape'):
        EVADInferencer(cfg, weights)
    with pytest.raises(DataError, match="'nonsense' cannot be used"):
        EVADInferencer(CONFIG, weights, device='nonsense')
    cfg.test_dataloader.dataset.pipeline = [dict(type='RawFrameDecode')]
    with pytest.raises(DataError, match='needs one SampleAVAFrames'):
        EVADInferencer(cfg, weights)


@pytest.mark.parametrize('numbers', [dict(every=0), dict(batch_size=0)])
def test_numbers_below_one_are_refused(inferencer, video, numbers):
    with pytest.raises(ValueError, match='at least 1'):
        list(inferencer.detect(video, **numbers))
