# Copyright (c) mmevad authors. All rights reserved.
"""The report on tube and AVA datasets, from the command line."""
import importlib.util
from pathlib import Path

import pytest

from mmevad.utils import DataError
from ..test_datasets.tube_files import content, make_clip, make_frames, save

PATH = Path(__file__).parents[2] / 'tools/data/check_tubes.py'
spec = importlib.util.spec_from_file_location('check_tubes', PATH)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


@pytest.fixture
def tubes(tmp_path):
    """A tube file with its clips and the frames of the training videos."""
    data = content()
    for video, nframes in data['nframes'].items():
        make_clip(str(tmp_path / f'clips/{video}.avi'), nframes)
    for video in data['train_videos'][0]:
        make_frames(str(tmp_path / 'frames' / video), data['nframes'][video])
    return save(tmp_path / 't.pkl', data)


def test_clips(tubes, tmp_path, capsys):
    clips = str(tmp_path / 'clips')
    assert tool.main([tubes, '--videos', clips]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f'{tubes}, train, split 1', f'{tubes}, test, split 1', '0 problems'
    ]
    (tmp_path / 'clips/jump/a.avi').unlink()
    (tmp_path / 'clips/run/b.avi').write_bytes(b'')
    make_clip(str(tmp_path / 'clips/run/c.avi'), 4, width=120)
    assert tool.main([tubes, '--videos', clips]) == 1
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [x for x in lines if x[0] != ' '] == [
        'missing video: 1 in 1 videos', 'unreadable video: 1 in 1 videos',
        'other number of frames: 1 in 1 videos',
        'other proportions: 1 in 1 videos', '4 problems'
    ]
    assert 'c.avi has 4 frames, but the tube file counts 5' in lines[5]
    assert '120 x 120 pixels, but the tube file says 80 x 60' in lines[7]


def test_frames_of_one_subset(tubes, tmp_path, capsys):
    arguments = [tubes, '--frames', str(tmp_path / 'frames')]
    assert tool.main(arguments + ['--subset', 'train']) == 0
    assert tool.main(arguments + ['--subset', 'test', 'all']) == 1
    # the test video is one of all, and is reported once
    assert capsys.readouterr().out.splitlines()[-3:] == [
        'missing frames: 1 in 1 videos', f'  The frame folder {tmp_path}/'
        'frames/run/c does not exist; extract the frames or correct '
        'data_prefix.', '1 problems'
    ]


def test_all_problems_of_the_annotation_are_listed(tmp_path, capsys):
    data = content()
    video = data['gttubes']['run/c']
    video[1] = [[[1, 5, 5, 5, 9]]] * 7 + [[[1, 80, 0, 90, 9]]]
    path = save(tmp_path / 't.json', data)
    assert tool.main([path, '--annotations-only', '--show', '2']) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == 'empty box: 7 in 1 videos'
    assert lines[-2:] == ['  ... and 5 more', '7 problems']
    video[1] = video[1][7:]
    assert tool.main([save(tmp_path / 't.json', data), '--annotations-only'])
    assert 'box outside frame: 1 in 1 videos' in capsys.readouterr().out


def test_config_with_both_kinds(tubes, tmp_path, capsys):
    annotation = tmp_path / 'ann.csv'
    annotation.write_text('run/b,3,0.1,0.2,0.5,0.6,1,0\n'
                          'run/b,7,0.1,0.2,0.5,0.6,1,0\n')
    config = tmp_path / 'config.py'
    config.write_text(f'''
prefix = dict(img='{tmp_path}/frames')
train_dataloader = dict(dataset=dict(
    type='RepeatDataset', times=2, dataset=dict(
        type='TubeDataset', ann_file='{tubes}', data_prefix=prefix,
        pipeline=[])))
val_dataloader = dict(dataset=dict(
    type='CheckedAVADataset', ann_file='{annotation}', data_prefix=prefix,
    num_classes=2, fps=1, timestamp_start=0, start_index=0, pipeline=[]))
test_dataloader = val_dataloader
''')
    assert tool.main([str(config), '--dataloaders', 'train']) == 0
    assert tool.main([str(config), '--annotations-only']) == 0
    capsys.readouterr()
    assert tool.main([str(config)]) == 1
    out = capsys.readouterr().out
    assert out.count(str(annotation)) == 1
    assert '1 of 2 annotated frames do not exist, for example frame 7' in out
    assert out.endswith('1 problems\n')


def test_wrong_arguments(tubes, capsys):
    with pytest.raises(SystemExit):
        tool.main([tubes])
    assert 'needs one of --frames, --videos' in capsys.readouterr().err
    with pytest.raises(DataError, match='lists no train videos for split 2;'):
        tool.main([tubes, '--annotations-only', '--split', '2'])
