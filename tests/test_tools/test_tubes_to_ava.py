# Copyright (c) mmevad authors. All rights reserved.
"""tools/data/ucf101_24/tubes_to_ava.py."""
import importlib.util
import os
import os.path as osp

import cv2
import numpy as np
import pytest
from mmaction.evaluation import read_labelmap

from mmevad.utils import DataError
from tests.test_datasets.tube_files import content, make_clip, save

TOOL = osp.join(
    osp.dirname(__file__), '../../tools/data/ucf101_24/tubes_to_ava.py')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('tubes_to_ava', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(tmp_path):
    """A tube file and its clips, one of them in no class folder."""
    make_clip(str(tmp_path / 'clips/jump/a.avi'), 8)
    make_clip(str(tmp_path / 'clips/run/b.avi'), 6)
    make_clip(str(tmp_path / 'clips/c.avi'), 5)
    return [
        save(tmp_path / 't.pkl', content()), '--videos',
        str(tmp_path / 'clips'), '--out',
        str(tmp_path / 'out/new')
    ]


def test_tool_writes_a_dataset(tmp_path, source, tool, capsys):
    tool.main(source + [
        '--every', '2', '--extract-frames', '--frame-size', '40x30',
        '--subset', 'train', 'test'
    ])
    out = tmp_path / 'out/new'
    assert (out / 'ava_train.csv').read_text().splitlines() == [
        'jump/a,2,0.125000,0.333333,0.375000,0.666667,1,0',
        'jump/a,4,0.125000,0.333333,0.375000,0.666667,1,0',
        'run/b,1,0.000000,0.000000,1.000000,1.000000,2,0',
        'run/b,3,0.000000,0.000000,1.000000,1.000000,2,0',
        'run/b,3,0.500000,0.500000,1.000000,1.000000,2,1',
        'run/b,5,0.500000,0.500000,1.000000,1.000000,2,1',
    ]
    assert (out / 'ava_test.csv').read_text().splitlines() == [
        'run/c,1,0.100000,0.100000,0.200000,0.200000,2,0'
    ]
    with open(out / 'label_map.pbtxt') as file:
        names, ids = read_labelmap(file)
    assert ids == {1, 2}
    assert names == [dict(id=1, name='jump'), dict(id=2, name='run')]
    for video, count in content()['nframes'].items():
        folder = out / 'frames' / video
        assert sorted(os.listdir(folder)) == [
            f'img_{i:05}.jpg' for i in range(1, count + 1)
        ]
        images = [
            cv2.imread(str(folder / name))
            for name in sorted(os.listdir(folder))
        ]
        assert {image.shape for image in images} == {(30, 40, 3)}
        np.testing.assert_allclose([image.mean() for image in images],
                                   20 * np.arange(1, count + 1),
                                   atol=3)
    assert os.listdir(tmp_path / 'out') == ['new']
    printed = capsys.readouterr().out
    assert 'train: 2 videos, 5 keyframes, 6 boxes\n' in printed
    assert '2 classes: num_classes=3. Dataset arguments: fps=1' in printed


def test_tool_output_loads(tmp_path, source, tool):
    from mmevad.datasets import CheckedAVADataset
    tool.main(source + [
        '--subset', 'test', '--classes', 'present', '--every', '1',
        '--extract-frames'
    ])
    out = tmp_path / 'out/new'
    dataset = CheckedAVADataset(
        str(out / 'ava_test.csv'), [],
        label_file=str(out / 'label_map.pbtxt'),
        data_prefix=dict(img=str(out / 'frames')),
        num_classes=2,
        fps=1,
        timestamp_start=0,
        start_index=0)
    assert dataset[0]['shot_info'] == (1, 6)
    assert dataset[0]['gt_labels'].tolist() == [[0, 1]]  # 'run' became 1


def test_tool_leaves_what_is_there(tmp_path, source, tool):
    out = tmp_path / 'out/new'
    tool.main(source)
    before = (out / 'ava_train.csv').read_text()
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--every', '1'])
    assert str(caught.value) == (f'{out} exists; choose another --out, or '
                                 'replace it with --overwrite.')
    assert (out / 'ava_train.csv').read_text() == before
    # A run that fails leaves neither a folder nor a loss.
    os.remove(tmp_path / 'clips/run/b.avi')
    make_clip(str(tmp_path / 'clips/run/b.avi'), 5)
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--overwrite', '--extract-frames'])
    assert str(caught.value) == (
        f'{tmp_path}/clips/run/b.avi has 5 readable frames, but the tube '
        'file counts 6; get the clip anew.')
    assert (out / 'ava_train.csv').read_text() == before
    assert os.listdir(tmp_path / 'out') == ['new']
    tool.main(source + ['--overwrite', '--every', '1', '--subset', 'all'])
    assert sorted(os.listdir(out)) == ['ava_all.csv', 'label_map.pbtxt']
    (out / 'mine.txt').write_text('')
    with pytest.raises(DataError, match='was not written by this tool alone'):
        tool.main(source + ['--overwrite'])


def test_tool_names_missing_videos(tmp_path, source, tool):
    os.remove(tmp_path / 'clips/c.avi')
    tool.main(source + ['--subset', 'train'])
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--overwrite'])
    assert str(caught.value) == (
        f'1 of 3 videos are not under {tmp_path}/clips as <video>.avi, .mp4, '
        '.mkv or .webm, for example run/c; complete the folder or choose '
        'another --subset.')
    with pytest.raises(DataError, match='no train videos for split 2'):
        tool.main(source + ['--overwrite', '--split', '2'])


@pytest.mark.parametrize('arguments', [
    ['--every', '0'],
    ['--frame-size', '10x10'],
    ['--extract-frames', '--frame-size', '10'],
    ['--extract-frames', '--frame-size', '0x10'],
])
def test_tool_refuses_arguments(source, tool, arguments):
    with pytest.raises(SystemExit):
        tool.main(source + arguments)
