# Copyright (c) mmevad authors. All rights reserved.
"""Calling EVADInferencer: inputs in, plain dicts and files out."""
import json

import cv2
import numpy as np
import pytest

from mmevad.apis import EVADInferencer
from mmevad.apis.clips import keyframe_indices
from mmevad.utils.errors import DataError
from .recognizers import SLOWONLY, make_config, write_weights
from .small import (CONFIG, FPS, LENGTH, NAMES, frames, write_checkpoint,
                    write_folder)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('call')
    write_checkpoint(root / 'a.pth', dataset_meta=dict(classes=NAMES))
    write_folder(root / 'clip', frames())
    return root


@pytest.fixture(scope='module')
def inferencer(root):
    return EVADInferencer(CONFIG, str(root / 'a.pth'), person_score_thr=0)


def run(inferencer, inputs, **kwargs):
    defaults = dict(show_progress=False, every=10, score_thr=0, fps=FPS)
    return inferencer(inputs, **dict(defaults, **kwargs))


def test_predictions_are_those_of_detect_and_fit_into_json(root, inferencer):
    from mmevad.apis import open_video
    result = run(inferencer, str(root / 'clip'))
    assert json.loads(json.dumps(result)) == result
    assert result['visualization'] == []
    prediction, = result['predictions']
    video = open_video(str(root / 'clip'), FPS)
    for row, keyframe in zip(prediction['keyframes'],
                             inferencer.detect(video, 10)):
        assert (row['frame'], row['time']) == (keyframe.index, keyframe.time)
        assert len(row['actors']) == len(keyframe.persons) == 20
        for actor, person in zip(row['actors'], keyframe.persons):
            np.testing.assert_allclose(actor['box'], person.box, atol=6e-3)
            best = np.argsort(-person.scores, kind='stable')[:3]
            assert list(actor['actions']) == [NAMES[i] for i in best]


def test_lists_arrays_and_pictures(root, inferencer):
    array = np.ascontiguousarray(frames()[..., ::-1])
    result = run(inferencer, [str(root / 'clip'), array], return_vis=True)
    first, second = result['predictions']
    assert (first['video'], second['video']) == ('clip', 'array_1')
    assert first['keyframes'] == second['keyframes']
    for picture in result['visualization']:
        assert picture.shape == (30 + 30 + 360 + 4, 3 * 484, 3)
    a, b = result['visualization']  # RGB, and only the titles differ
    assert np.array_equal(a[30:], b[30:]) and not np.array_equal(a, b)


def test_only_chosen_classes_are_shown(root, inferencer):
    names = ['Fencing', 'Biking']
    result = run(inferencer, str(root / 'clip'), classes=names)
    for keyframe in result['predictions'][0]['keyframes']:
        for actor in keyframe['actors']:
            assert set(actor['actions']) == set(names)
    with pytest.raises(DataError) as error:
        run(inferencer, str(root / 'clip'), classes=['Bikin'])
    assert str(error.value) == ("The model has no class 'Bikin'; the closest "
                                'are Biking.')
    with pytest.raises(DataError, match='it has Basketball, Biking, Cliff'):
        run(inferencer, str(root / 'clip'), classes=['zzz'])


@pytest.mark.parametrize('every, expected', [
    (12, [0, 12, 24]),
    ('12', [0, 12, 24]),
    ('1s', [0, 12, 25]),
    ('.8s', [0, 10, 20]),
    (30, [0]),
    ('0.08s', list(range(30))),
])
def test_keyframes_by_frames_or_seconds(every, expected):
    assert keyframe_indices(every, FPS, LENGTH) == expected


@pytest.mark.parametrize('every',
                         [0, -3, '0', 1.5, '.05s', 'often', 's', 'nans'])
def test_other_rates_are_refused(every):
    with pytest.raises(ValueError, match='at least a frame .0.08 s.; got'):
        keyframe_indices(every, FPS, LENGTH)


def test_show_plays_the_video(root, inferencer, monkeypatch):
    seen = []
    with pytest.raises(DataError, match='show needs a screen'):
        monkeypatch.setattr('sys.platform', 'linux')
        for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
            monkeypatch.delenv(name, raising=False)
        run(inferencer, 'not/even/read', show=True)
    monkeypatch.setattr('mmevad.apis.evad_inferencer.require_window',
                        lambda: None)
    monkeypatch.setattr(
        'mmevad.apis.evad_inferencer.show_images',
        lambda images, title, fps: seen.append(
            (len(list(images)), title, fps)))
    run(inferencer, str(root / 'clip'), show=True)
    assert seen == [(LENGTH, 'clip', FPS)]


def test_a_portrait_video_keeps_its_form(inferencer, tmp_path):
    write_folder(tmp_path / 'tall', frames().swapaxes(1, 2))
    result = run(inferencer, str(tmp_path / 'tall'), out_dir=str(tmp_path))
    prediction, = result['predictions']
    assert (prediction['width'], prediction['height']) == (96, 128)
    boxes = [
        actor['box'] for keyframe in prediction['keyframes']
        for actor in keyframe['actors']
    ]
    assert np.max(boxes, 0)[2] < 96 < np.max(boxes, 0)[3] < 128
    video = cv2.VideoCapture(str(tmp_path / 'tall_actions.mp4'))
    assert video.read()[1].shape == (480, 360, 3)


def test_a_short_video_repeats_its_ends_and_says_so(inferencer, tmp_path,
                                                    monkeypatch):
    write_folder(tmp_path / 'one', frames()[:1])
    said = []
    monkeypatch.setattr('mmevad.apis.evad_inferencer.print_log',
                        lambda text, **kwargs: said.append(text))
    prediction, = run(inferencer, str(tmp_path / 'one'))['predictions']
    assert [row['frame'] for row in prediction['keyframes']] == [0]
    assert 'one has 1 frames, fewer than the 15 of a clip' in said[0]


def test_other_models_are_refused(root):
    cfg = make_config(SLOWONLY)
    weights = write_weights(root / 'slow.pth', cfg)
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline[1] = dict(type='SampleAVAFrames', clip_len=4, frame_interval=1)
    with pytest.raises(DataError, match='runs EVAD, but .* Recognizer3D'):
        EVADInferencer(cfg, weights)
