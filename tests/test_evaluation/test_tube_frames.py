# Copyright (c) mmevad authors. All rights reserved.
"""Which frames TubeMAP looks at: those of TubeDataset with its settings."""
import json

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmevad.datasets import TubeDataset
from . import test_tube_metric
from .ava_files import sample_of

SETTINGS = (dict(), dict(all_frames=True), dict(keyframe_interval=4),
            dict(all_frames=True, keyframe_interval=3))


def evaluate(path, samples, max_gap=5, **settings):
    linking = dict(min_length=1, max_gap=max_gap)
    return test_tube_metric.evaluate(
        path, samples, linking=linking, **settings)


@pytest.fixture
def path(tmp_path):
    """One person in each of two videos of 30 frames; a box does not move."""
    tubes = {
        'a': (0, range(6, 20)),
        'b': (1, range(1, 31)),
    }
    content = dict(
        labels=['run', 'jump'],
        gttubes={
            name: {
                label: [[[f, 20, 10, 120, 60] for f in frames]]
            }
            for name, (label, frames) in tubes.items()
        },
        nframes=dict(a=30, b=30),
        train_videos=[['a']],
        test_videos=[['a', 'b']],
        resolution=dict(a=[100, 200], b=[100, 200]))
    (tmp_path / 'gt.json').write_text(json.dumps(content))
    return str(tmp_path / 'gt.json')


def perfect(path, beyond=False, **settings):
    """Annotated boxes on the dataset's frames, or also on the others."""
    init_default_scope('mmaction')
    dataset = TubeDataset(
        path, [],
        dict(img=''),
        subset='test',
        check_files=False,
        test_mode=True,
        **settings)
    samples = []
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        boxes, scores = info['gt_bboxes'], info['gt_labels']
        if beyond:
            boxes = np.array([[.1, .1, .6, .6]])
            scores = np.eye(3)[[1 + 'ab'.index(info['video_id'])]]
        samples.append(
            sample_of((info['video_id'], info['timestamp']),
                      boxes,
                      scores=scores))
    return samples


@pytest.mark.parametrize('settings', SETTINGS)
def test_frames_of_the_dataset(path, settings):
    got = evaluate(path, perfect(path, **settings), **settings)
    assert got['frame-mAP@0.5'] == got['video-mAP@0.75'] == 1


def test_frames_without_annotation_are_judged(path):
    """The person of 'a' stands there all the time, acting in 14 of 30."""
    got = evaluate(path, perfect(path, True))
    assert set(got.values()) == {1.}
    got = evaluate(path, perfect(path, True, all_frames=True), all_frames=True)
    # equal scores, by frame: 5 false, 14 true, then false ones
    precision = [k / (5 + k) for k in range(1, 15)]
    ap = np.mean(np.maximum.accumulate(precision[::-1]))
    assert got['frame-mAP@0.5'] == pytest.approx((ap + 1) / 2)
    # temporal IoU 14 / 30
    assert got['video-mAP@0.2'] == 1
    assert got['video-mAP@0.5'] == got['video-mAP@0.5:0.95'] == .5


def test_every_fourth_frame(path):
    """Tubes are linked over the frames between, and end with the last."""
    settings = dict(keyframe_interval=4)
    got = evaluate(path, perfect(path, **settings), **settings)
    # 6 to 18 of 6 to 19, and 1 to 29 of 1 to 30
    assert 13 / 14 < .95 < 29 / 30
    assert got['video-mAP@0.5:0.95'] == pytest.approx((.9 + 1) / 2)
    assert evaluate(path, perfect(path, **settings), 1, **settings) == got
