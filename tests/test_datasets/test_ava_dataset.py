# Copyright (c) mmevad authors. All rights reserved.
import os

import cv2
import numpy as np
import pytest
from mmaction.datasets import AVADataset
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmevad.datasets import CheckedAVADataset
from mmevad.datasets.ava_checks import find_frames, keyframe_number
from mmevad.utils import DataError

ROW = 'a,3,0.1,0.2,0.5,0.6,1,0'
NUM_FRAMES = 20


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmaction')


def sampling(**kwargs):
    return [dict(type='SampleAVAFrames', test_mode=True, **kwargs)]


def write(path, *lines):
    path.write_text(''.join(f'{line}\n' for line in lines))
    return str(path)


def label_map(path, *ids):
    return write(
        path, *(f'item {{\n  name: "class {i}"\n  id: {i}\n}}' for i in ids))


def make_frames(folder, first=1, last=NUM_FRAMES, tmpl='img_{:05}.jpg'):
    """Grey frames whose brightness tells their number."""
    os.makedirs(folder)
    for i in range(first, last + 1):
        image = np.full((8, 16, 3), 10 * i, dtype=np.uint8)
        cv2.imwrite(os.path.join(folder, tmpl.format(i)), image)


@pytest.fixture
def build(tmp_path):
    """Build a dataset of two classes on the frames of video 'a'."""
    make_frames(str(tmp_path / 'frames' / 'a'))

    def _build(*rows,
               pipeline=(),
               ids=(1, 2),
               cls=CheckedAVADataset,
               **kwargs):
        arguments = dict(
            ann_file=write(tmp_path / 'ann.csv', *rows),
            pipeline=list(pipeline),
            label_file=label_map(tmp_path / 'map.pbtxt', *ids),
            data_prefix=dict(img=str(tmp_path / 'frames')),
            num_classes=3,
            fps=1,
            timestamp_start=0,
            start_index=0)
        arguments.update(kwargs)
        return cls(**arguments)

    return _build


def refused(build, *rows, **kwargs):
    with pytest.raises(DataError) as caught:
        build(*rows, **kwargs)
    return str(caught.value)


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


def test_find_frames_takes_only_names_of_the_template(tmp_path):
    for name in ('img_00003.jpg', 'img_4.jpg', 'img_00005.png', 'x_00006.jpg',
                 'img_123456.jpg', 'ximg_00007.jpg'):
        write(tmp_path / name)
    folder = str(tmp_path)
    assert find_frames(folder, 'img_{:05}.jpg') == {3, 123456}
    assert find_frames(folder, '{}_{:05}.jpg') == {6}
    assert find_frames(str(tmp_path / 'none'), 'img_{:05}.jpg') == set()


@pytest.mark.parametrize('row, message', [
    ('a,3,0.1,0.2,0.5,0.6,1',
     '7 columns instead of 8; a row is video_id,timestamp,x1,y1,x2,y2,'
     'action_id,entity_id'),
    ('', '1 columns instead of 8; a row is video_id,timestamp,x1,y1,x2,y2,'
     'action_id,entity_id'),
    (',3,0.1,0.2,0.5,0.6,1,0', 'the video_id is empty; fill it in'),
    ('a,3.5,0.1,0.2,0.5,0.6,1,0',
     "timestamp is '3.5', which is not a whole number; correct it"),
    ('a,3,0.1,left,0.5,0.6,1,0',
     "y1 is 'left', which is not a number; correct it"),
    ('a,3,0.1,nan,0.5,0.6,1,0', 'the box 0.1,nan,0.5,0.6 leaves [0, 1]; '
     'divide it by the frame width and height'),
    ('a,3,10,20,50,60,1,0', 'the box 10,20,50,60 leaves [0, 1]; divide it by '
     'the frame width and height'),
    ('a,3,0.5,0.2,0.5,0.6,1,0', 'the box 0.5,0.2,0.5,0.6 is empty; boxes are '
     'x1,y1,x2,y2 with x1 < x2 and y1 < y2'),
    ('a,3,0.1,0.7,0.5,0.6,1,0', 'the box 0.1,0.7,0.5,0.6 is empty; boxes are '
     'x1,y1,x2,y2 with x1 < x2 and y1 < y2'),
    ('a,3,0.1,0.2,0.5,0.6,3,0', 'action_id 3 is no class of this dataset; '
     'correct it, or label_file and num_classes'),
    ('a,3,0.1,0.2,0.5,0.6,0,0', 'action_id 0 is no class of this dataset; '
     'correct it, or label_file and num_classes'),
])
def test_wrong_row(tmp_path, build, row, message):
    assert refused(build, ROW,
                   row) == f'{tmp_path / "ann.csv"}, line 2: {message}.'


def test_many_wrong_rows_are_counted(tmp_path, build):
    lines = refused(build, *['a'] * 8).split('\n')
    assert len(lines) == 6
    assert lines[4].startswith(f'{tmp_path / "ann.csv"}, line 5: 1 columns')
    assert lines[5] == '... and 3 more problems.'


def test_action_ids(build):
    far = 'a,3,0.1,0.2,0.5,0.6,4,0'
    gap = 'a,3,0.1,0.2,0.5,0.6,2,0'
    # A map may leave out classes between its ids, as AVA's does.
    dataset = build(ROW, gap, ids=(1, 3), num_classes=4)
    np.testing.assert_array_equal(dataset[0]['gt_labels'], [[0, 1, 1, 0]])
    # Room in num_classes does not make an unknown class right.
    assert 'action_id 4 is no class' in refused(build, far, num_classes=81)
    assert build(far, label_file=None, num_classes=5)[0]['timestamp'] == 3
    assert 'action_id 4 is' in refused(build, far, label_file=None)
    assert 'has the ids 1 to 3, which num_classes=3 does not hold' in refused(
        build, ROW, ids=(1, 3))


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


def test_annotation_file_missing_or_empty(tmp_path, build):
    none = str(tmp_path / 'none.csv')
    assert refused(
        build, ROW, ann_file=none) == (
            f'The annotation file {none} does not exist; correct ann_file or '
            'prepare the dataset first.')
    assert refused(build) == (f'The annotation file {tmp_path / "ann.csv"} '
                              'is empty; prepare the dataset anew.')


@pytest.mark.parametrize('content, message', [
    ('', 'has 0 readable entries but 0 that begin'),
    ('item {\n  name: "a"\n  id: 1\n}\nitem {\n\tname: "b"\n\tid: 2\n}',
     'has 1 readable entries but 2 that begin'),
    ("item {\n  name: 'a'\n  id: 1\n}", 'cannot be read (list index out of'),
    ('item {\n  name: "a"\n  id: x\n}', 'cannot be read (invalid literal'),
    ('item {\n  name: "a"\n  id: 1\n  id: 1\n}', 'uses an id twice'),
])
def test_wrong_label_file(tmp_path, build, content, message):
    path = write(tmp_path / 'wrong.pbtxt', content)
    assert refused(
        build, ROW,
        label_file=path).startswith(f'The label file {path} {message}')


def test_label_file_missing(build):
    assert refused(
        build, ROW, label_file='none.pbtxt') == (
            'The label file none.pbtxt does not exist; set label_file to the '
            '.pbtxt label map.')


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


def test_missing_frames(tmp_path, build):
    frames = tmp_path / 'frames'
    rows = [ROW] + [f'v{i},1,0,0,1,1,1,0' for i in range(4)]
    assert refused(build, *rows) == (
        f'4 of 5 frame folders do not exist, for example {frames}/v0, '
        f'{frames}/v1, {frames}/v2; extract the frames or correct '
        'data_prefix.')
    assert refused(build, ROW, 'a,21,0,0,1,1,1,0') == (
        f'1 of 2 annotated frames do not exist, for example frame 21 of '
        f'{frames}/a for timestamp 21; extract all frames, or correct fps, '
        'timestamp_start and start_index.')
    assert refused(
        build, ROW, filename_tmpl='{:06}.png'
    ) == (f'1 of 1 frame folders hold no file named like {"{:06}.png"!r}, for '
          f'example {frames}/a; correct filename_tmpl.')
    assert len(build(*rows, check_files=False)) == 5


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
