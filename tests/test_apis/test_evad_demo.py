# Copyright (c) mmevad authors. All rights reserved.
"""demo/evad_demo.py and the files it writes."""
import importlib.util
import json
import os
import os.path as osp

import cv2
import pytest

from .small import (CONFIG, FPS, HEIGHT, LENGTH, NAMES, ROOT, WIDTH, frames,
                    label_map, write_checkpoint, write_video)


@pytest.fixture(scope='module')
def demo():
    path = osp.join(ROOT, 'demo', 'evad_demo.py')
    spec = importlib.util.spec_from_file_location('evad_demo', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp('demo')
    write_checkpoint(root / 'a.pth')
    write_video(root / 'clip.mp4', frames())
    (root / 'map.pbtxt').write_text(label_map())
    return [
        str(root / 'clip.mp4'), '--config', CONFIG, '--weights',
        str(root / 'a.pth'), '--label-map',
        str(root / 'map.pbtxt')
    ]


@pytest.fixture(scope='module')
def out(demo, inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp('out')
    demo.main(inputs + [
        '--out-dir',
        str(out / 'new'), '--every', '8', '--person-score-thr', '0',
        '--score-thr', '0', '--top-k', '2'
    ])
    return out / 'new'


def test_three_files(out):
    assert sorted(os.listdir(out)) == [
        'clip.json', 'clip_actions.mp4', 'clip_actions.png'
    ]


def test_json(out):
    content = json.loads((out / 'clip.json').read_text())
    keyframes = content.pop('keyframes')
    assert content == dict(
        video='clip.mp4',
        width=WIDTH,
        height=HEIGHT,
        fps=FPS,
        num_frames=LENGTH)
    assert [k['frame'] for k in keyframes] == [0, 8, 16, 24]
    assert [k['time'] for k in keyframes] == [0, .64, 1.28, 1.92]
    for keyframe in keyframes:
        assert len(keyframe['actors']) == 20
        for actor in keyframe['actors']:
            x1, y1, x2, y2 = actor['box']
            assert 0 <= x1 <= x2 < WIDTH and 0 <= y1 <= y2 < HEIGHT
            assert 0 < actor['person_score'] < 1
            scores = list(actor['actions'].values())
            assert len(scores) == 2 and scores[0] >= scores[1]
            assert set(actor['actions']) <= set(NAMES)


def test_annotated_video_is_as_long_as_the_input(out):
    video = cv2.VideoCapture(str(out / 'clip_actions.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == FPS
    count = 0
    while True:
        good, image = video.read()
        if not good:
            break
        assert image.shape == (360, 480, 3)
        count += 1
    assert count == LENGTH


def test_sheet_has_the_four_keyframes(out):
    sheet = cv2.imread(str(out / 'clip_actions.png'))
    assert sheet.shape == (30 + 30 + 360 + 4, 4 * 484, 3)


def test_few_and_many_keyframes(demo, inputs, tmp_path, capsys):
    args = inputs + ['--out-dir', str(tmp_path), '--person-score-thr', '.999']
    demo.main(args + ['--every', '100'])
    assert cv2.imread(str(tmp_path / 'clip_actions.png')).shape[1] == 484
    assert 'Nobody reached the person score of 0.999' in capsys.readouterr(
    ).out
    demo.main(args + ['--every', '2'])
    sheet = cv2.imread(str(tmp_path / 'clip_actions.png'))
    assert sheet.shape[:2] == (30 + 3 * 394, 4 * 484)  # 12 of 15
    lines = capsys.readouterr().out.splitlines()
    assert sum('nobody' in line for line in lines) == 15


@pytest.mark.parametrize('place, value, message', [
    (0, 'none.mp4', 'The video none.mp4 does not exist'),
    (0, CONFIG, 'cannot be read as a video'),
    (2, 'none.py', 'The config none.py does not exist'),
    (4, 'none.pth',
     'cannot read the checkpoint none.pth: there is no such file'),
    (6, 'none.pbtxt', 'The label file none.pbtxt does not exist'),
])
def test_errors_are_one_sentence(demo, inputs, tmp_path, place, value,
                                 message):
    args = list(inputs)
    args[place] = value
    with pytest.raises(SystemExit) as error:
        demo.main(args + ['--out-dir', str(tmp_path / 'out')])
    assert str(error.value).startswith('error: ')
    assert message in str(error.value)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_every_is_checked(demo, inputs, tmp_path):
    with pytest.raises(SystemExit, match='error: every must be a number of'):
        demo.main(inputs + ['--every', '0', '--out-dir', str(tmp_path)])


@pytest.mark.parametrize('option', ['--top-k', '--batch-size'])
def test_numbers_are_checked(demo, inputs, option, capsys):
    with pytest.raises(SystemExit):
        demo.parse_args(inputs + [option, '0'])
    assert 'expected a whole number from 1' in capsys.readouterr().err
