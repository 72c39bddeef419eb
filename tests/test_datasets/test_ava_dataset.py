# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest
from mmaction.datasets import AVADataset
from mmaction.registry import DATASETS

from mmevad.datasets import CheckedAVADataset
from mmevad.datasets.ava_checks import keyframe_number
from .ava_files import NUM_FRAMES, ROW, builder, make_frames, refused, write


@pytest.fixture
def build(tmp_path):
    return builder(tmp_path)


def sampling(**kwargs):
    return [dict(type='SampleAVAFrames', test_mode=True, **kwargs)]


def test_is_registered_and_agrees_with_mmaction2(build):
    assert DATASETS.get('CheckedAVADataset') is CheckedAVADataset
    rows = (ROW, 'a,3,0.1,0.2,0.5,0.6,2,0', 'a,4,0,0,1,1,2,7')
    ours, theirs = build(*rows), build(*rows, cls=AVADataset)
    assert len(ours) == len(theirs) == 2
    for mine, other in zip(ours, theirs):
        assert mine.pop('shot_info') == (1, NUM_FRAMES + 1)
        other.pop('shot_info')
        assert mine.keys() == other.keys()
        for key in mine:
            np.testing.assert_array_equal(mine[key], other[key])
    np.testing.assert_array_equal(ours[0]['gt_labels'], [[0, 1, 1]])
    np.testing.assert_array_equal(ours[1]['entity_ids'], [7])


# first number in the file names, start_index, timestamp_start
@pytest.mark.parametrize('first, start_index, timestamp_start', [
    (1, 0, 0),
    (1, 1, 2),
    (0, 0, 0),
    (7, 0, 0),
    (7, 1, 2),
])
def test_clips_read_only_frames_that_exist(tmp_path, build, first, start_index,
                                           timestamp_start):
    last = first + 9
    make_frames(str(tmp_path / 'frames' / 'b'), first, last)
    dataset = build(
        f'b,{first},0,0,1,1,1,0',
        f'b,{first + 4},0,0,1,1,1,0',
        f'b,{last},0,0,1,1,1,0',
        pipeline=sampling(clip_len=8, frame_interval=2),
        start_index=start_index,
        timestamp_start=timestamp_start)
    centre = first + 4
    expected = [
        [first] * 5 + [first + 2, first + 4, first + 6],
        [first] * 3 + [centre - 2, centre, centre + 2, centre + 4, last],
        [last - 8, last - 6, last - 4, last - 2] + [last] * 4,
    ]
    for item, frames in zip(dataset, expected):
        assert item['frame_inds'].tolist() == frames
        assert item['frame_inds'][4] == item['timestamp']


def test_first_and_last_keyframe_decode(build):
    pipeline = sampling(clip_len=4, frame_interval=3)
    pipeline.append(dict(type='RawFrameDecode'))
    rows = ('a,1,0,0,0.5,1,1,0', f'a,{NUM_FRAMES},0,0,0.5,1,1,0')
    dataset = build(*rows, pipeline=pipeline)
    grey = [[int(img.mean().round()) for img in item['imgs']]
            for item in dataset]
    np.testing.assert_allclose(
        grey, [[10, 10, 10, 40], [140, 170, 200, 200]], atol=2)
    np.testing.assert_array_equal(dataset[0]['gt_bboxes'], [[0, 0, 8, 8]])
    with pytest.raises(FileNotFoundError):
        build(*rows, pipeline=pipeline, cls=AVADataset)[1]


def test_seconds_follow_sample_ava_frames(tmp_path, build):
    # timestamp 2 at 5 fps: 5 * (2 - 0) + 2 * start_index = 12
    assert keyframe_number(2, 5, 0, 1) == 12
    dataset = build(
        'a,2,0,0,1,1,1,0',
        pipeline=sampling(clip_len=5, frame_interval=3),
        fps=5,
        start_index=1)
    assert dataset[0]['shot_info'] == (0, NUM_FRAMES)
    assert dataset[0]['frame_inds'].tolist() == [6, 9, 12, 15, 18]


def test_each_video_has_its_own_range(tmp_path, build):
    make_frames(str(tmp_path / 'frames' / 'deep' / 'b'), 1, 6)
    dataset = build(ROW, 'deep/b,6,0,0,1,1,1,0')
    assert [item['shot_info'] for item in dataset] == [(1, 21), (1, 7)]


def test_custom_classes(build):
    rows = (ROW, 'a,3,0.1,0.2,0.5,0.6,2,0')
    one = dict(custom_classes=[2], num_classes=2)
    dataset = build(*rows, **one)
    np.testing.assert_array_equal(dataset[0]['gt_labels'], [[0, 1]])
    assert refused(
        build, ROW,
        **one).endswith('ann.csv has one of the custom_classes [2].')
    assert refused(
        build, ROW, label_file=None,
        **one).startswith('custom_classes needs label_file')


def test_excluded_frames(tmp_path, build):
    # Neither the box nor the frame of an excluded row matters.
    excluded = write(tmp_path / 'excluded.csv', 'a,0900', 'gone,0001')
    rows = (ROW, 'a,900,0.5,0.5,0.5,9,2,0', 'gone,1,0,0,1,1,1,0')
    (item, ) = build(*rows, exclude_file=excluded)
    assert item['img_key'] == 'a,0003'
    assert item['shot_info'] == (1, NUM_FRAMES + 1)
    assert 'line 2: the box 0.5,0.5,0.5,9 leaves' in refused(build, *rows)
    everything = write(tmp_path / 'excluded.csv', 'a,3')
    assert 'Every keyframe of ' in refused(build, ROW, exclude_file=everything)
    wrong = write(tmp_path / 'excluded.csv', 'a,3', 'a')
    assert refused(
        build, ROW, exclude_file=wrong) == (
            f"{wrong}, line 2: expected 'video_id,timestamp', found 'a'; "
            'correct or remove it.')
    assert 'The exclude file none.csv does not exist' in refused(
        build, ROW, exclude_file='none.csv')


def test_videos(tmp_path, build):
    video = dict(use_frames=False, timestamp_start=1)
    write(tmp_path / 'frames' / 'b.mp4')
    (item, ) = build('b.mp4,1,0,0,1,1,1,0', **video)
    assert item['filename'] == str(tmp_path / 'frames' / 'b.mp4')
    assert refused(build, ROW, 'b.mp4,1,0,0,1,1,1,0', **video) == (
        f'1 of 2 video files do not exist, for example {tmp_path}/frames/a; '
        'correct data_prefix, or the video_id in ann_file, which includes '
        'the ending of the file.')
    assert refused(
        build, ROW, start_index=1, **video) == (
            'start_index is 1, but frames of a video file are counted from 0; '
            'set start_index=0 with use_frames=False.')
    assert len(build(ROW, check_files=False, **video)) == 1
