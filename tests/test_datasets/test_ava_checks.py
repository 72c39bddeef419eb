# Copyright (c) mmevad authors. All rights reserved.
"""Annotations, label maps and frames that CheckedAVADataset refuses."""
import numpy as np
import pytest

from mmevad.datasets.ava_checks import find_frames
from .ava_files import ROW, builder, refused, write


@pytest.fixture
def build(tmp_path):
    return builder(tmp_path)


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
