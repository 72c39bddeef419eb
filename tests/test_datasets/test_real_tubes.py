# Copyright (c) mmevad authors. All rights reserved.
"""Tube files of UCF101-24, JHMDB and MultiSports, and clips of UCF101-24.

Run where the environment variable MMEVAD_DATA names a folder with them.
"""
import os
import os.path as osp
import time

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmevad.datasets import TubeDataset
from mmevad.datasets.tubes import load_tubes

DATA = os.environ.get('MMEVAD_DATA', '')
pytestmark = pytest.mark.skipif(not DATA, reason='MMEVAD_DATA is not set')
UCF = osp.join(DATA, 'ucf101_24')
ALL = osp.join(UCF, 'UCF101v2-GT-like_all3194.pkl.xz')
EIGHT = osp.join(UCF, 'UCF101v2-GT-like_8clips.pkl')


def build(path, pipeline=(), **kwargs):
    init_default_scope('mmaction')
    arguments = dict(data_prefix=dict(img=''), check_files=False)
    return TubeDataset(path, list(pipeline), **{**arguments, **kwargs})


@pytest.mark.parametrize('subset, kwargs, videos, keyframes', [
    ('train', {}, 2284, 340336),
    ('test', {}, 910, 138527),
    ('test', dict(all_frames=True), 910, 159289),
])
def test_ucf101_24(subset, kwargs, videos, keyframes):
    start = time.perf_counter()
    dataset = build(ALL, subset=subset, **kwargs)
    seconds = time.perf_counter() - start
    assert len(dataset) == keyframes and seconds < 10
    assert len(load_tubes(ALL).subset(subset)) == videos


def test_ucf101_24_tubes():
    tubes = load_tubes(ALL)
    many = [t for v in tubes.gttubes.values() for m in v.values() for t in m]
    assert len(tubes.gttubes) == 3194 and len(tubes.labels) == 24
    assert len(many) == 4458 and sum(map(len, many)) == 573862


def test_jhmdb():
    dataset = build(
        osp.join(DATA, 'jhmdb/JHMDB-GT-split1test.pkl'), subset='test')
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert dataset.num_classes == 22 and len(items) == 9139
    assert len({item['video_id'] for item in items}) == 268
    assert {item['gt_bboxes'].shape for item in items} == {(1, 4)}


def test_multisports():
    path = osp.join(DATA, 'mmaction2_samples/eval_multisports/gt.pkl')
    dataset = build(path, subset='test')
    assert dataset.num_classes == 67
    boxes = sum(
        len(dataset.get_data_info(i)['gt_bboxes'])
        for i in range(len(dataset)))
    assert boxes == 2 * (21 + 26 + 23 + 42)


def test_clips_are_read_exactly():
    steps = [
        dict(
            type='SampleAVAFrames',
            clip_len=16,
            frame_interval=4,
            test_mode=True),
        dict(type='VideoFrameDecode')
    ]
    dataset = build(
        EIGHT,
        steps,
        subset='test',
        keyframes_per_tube=2,
        data_prefix=dict(video=osp.join(UCF, 'clips')))
    checked = set()
    for item in dataset:
        if item['video_id'] in checked:
            continue
        checked.add(item['video_id'])
        video = cv2.VideoCapture(item['filename'])
        frames = []
        while True:
            good, frame = video.read()
            if not good:
                break
            frames.append(frame[..., ::-1])
        assert len(frames) == item['timestamp_end'] - 1
        for image, number in zip(item['imgs'], item['frame_inds']):
            np.testing.assert_array_equal(image, frames[number])
        assert item['frame_inds'][8] == item['timestamp'] - 1
    assert len(checked) == 8
