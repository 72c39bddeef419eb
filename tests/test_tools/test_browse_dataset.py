# Copyright (c) mmevad authors. All rights reserved.
import importlib.util

import cv2
import numpy as np
import pytest

from tests.test_datasets.segment_files import (action, video, write_features,
                                               write_json)
from .evad_clips import make_clips

SPEC = importlib.util.spec_from_file_location('browse_dataset',
                                              'tools/browse_dataset.py')
browse_dataset = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(browse_dataset)

SEGMENTS = """
default_scope = 'mmaction'
dataset = dict(
    type='SegmentDataset',
    ann_file={ann_file!r},
    data_prefix=dict(feat={feats!r}),
    feat_stride=5,
    num_frames=5,
    metainfo=dict(classes=['run', 'jump']),
    pipeline=[
        dict(type='LoadSegmentFeatures'),
        dict(type='SecondsToGrid'),
        dict(type='RandomCropSegments', max_seq_len=50, trunc_thresh=.5),
        dict(type='PackSegmentInputs')
    ])
train_dataloader = dict(dataset=dataset)
"""


@pytest.fixture
def segments(tmp_path):
    database = {
        name: video(action(2, 6), action(5, 15, 1))
        for name in ('a', 'b', 'c')
    }
    path = tmp_path / 'config.py'
    path.write_text(
        SEGMENTS.format(
            ann_file=write_json(tmp_path, dict(database=database)),
            feats=write_features(tmp_path / 'feats',
                                 dict.fromkeys(database, 100))))
    return str(path)


def test_clips_have_boxes_on_the_keyframe(tmp_path):
    config = make_clips(tmp_path, checkpoint=False)[0]
    paths = browse_dataset.main(
        [config, '--out-dir',
         str(tmp_path / 'out'), '--split', 'test'])
    assert [x.split('/')[-1] for x in paths
            ] == ['test_0_run_v_0008.png', 'test_1_run_v_0020.png']
    image = cv2.imread(paths[1])
    assert 480 + 640 < image.shape[1] < 1400 and image.shape[0] < 500
    # a coloured box around the brighter one that the frames have
    saturation = np.ptp(image[62:422, :482].astype(int), axis=2)
    columns = np.flatnonzero((saturation > 100).sum(0) > 150)
    assert abs(columns - (.25 * 480 + 2)).min() <= 2
    assert abs(columns - (.9 * 480 + 2)).min() <= 2


def test_segments_are_those_after_the_crop(segments, tmp_path):
    out = tmp_path / 'out'
    paths = browse_dataset.main([
        segments, '--number', '2', '--out-dir',
        str(out), '--seed', '1', '--cfg-options',
        'train_dataloader.dataset.test_mode=True'
    ])
    assert sorted(
        x.name for x in out.iterdir()) == ['train_0_a.png', 'train_2_c.png']
    first = cv2.imread(paths[0])
    assert first.shape[1] == 1200
    # the same seed, the same crop
    again = browse_dataset.main([
        segments, '--items', '0', '--out-dir',
        str(tmp_path / 'b'), '--seed', '1'
    ])
    np.testing.assert_array_equal(first, cv2.imread(again[0]))
    other = browse_dataset.main([
        segments, '--items', '0', '--out-dir',
        str(tmp_path / 'c'), '--seed', '2'
    ])
    other = cv2.imread(other[0])
    assert first.shape != other.shape or (first != other).any()


def test_bad_input_is_one_sentence(segments, tmp_path):
    with pytest.raises(SystemExit, match='error: The config has no test_da'):
        browse_dataset.main([segments, '--split', 'test'])
    with pytest.raises(SystemExit, match='error: There is no item 3; the'):
        browse_dataset.main(
            [segments, '--items', '3', '--out-dir',
             str(tmp_path)])
    with pytest.raises(SystemExit, match='error: There is no config nowhere'):
        browse_dataset.main(['nowhere'])
