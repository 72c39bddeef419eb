"""The report on a segment dataset, from the command line."""
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ..test_datasets.segment_files import (CLASSES, action, features, video,
                                           write_features, write_json)

PATH = Path(__file__).parents[2] / 'tools/data/check_segments.py'
spec = importlib.util.spec_from_file_location('check_segments', PATH)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


@pytest.fixture
def files(tmp_path):
    database = dict(
        a=video(action(1., 2.), action(19., 22.), action(19., 23.)),
        b=video(action(3., 4., 1), subset='validation'))
    return (write_json(tmp_path, dict(database=database)),
            write_features(tmp_path / 'feats', dict(a=100, b=100)))


def test_annotations_only(files, capsys):
    assert tool.main([files[0], '--annotations-only']) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith('ann.json, all videos')
    assert lines[1] == 'segment outside video: 2 in 1 videos'
    assert 'ann.json, video a, annotations[1]: ' in lines[2]
    assert lines[-1] == '2 problems' and len(lines) == 5


def test_features_of_one_subset(files, capsys):
    arguments = [
        files[0], '--features', files[1], '--feat-stride', '5', '--num-frames',
        '5', '--subset', 'Validation'
    ]
    assert tool.main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ['0 problems']
    np.save(Path(files[1]) / 'b.npy', features(60))
    assert tool.main(arguments) == 1
    assert 'b.npy has 60 rows' in capsys.readouterr().out


def test_show(files, capsys):
    for show, count in (('1', 1), ('0', 0), ('-1', 2)):
        tool.main([files[0], '--annotations-only', '--show', show])
        out = capsys.readouterr().out
        assert out.count(' leaves the video') == count
        assert ('... and ' in out) == (count < 2)


def test_config(files, tmp_path, capsys):
    config = tmp_path / 'config.py'
    config.write_text(f'''
train_dataset = dict(
    type='SegmentDataset', ann_file={files[0]!r}, subset='training',
    data_prefix=dict(feat={files[1]!r}), feat_stride=5, num_frames=5,
    metainfo=dict(classes={CLASSES!r}),
    pipeline=[dict(type='LoadSegmentFeatures')])
val_dataset = dict(train_dataset, subset='validation', test_mode=True)
train_dataloader = dict(
    dataset=dict(type='RepeatDataset', times=2, dataset=train_dataset))
val_dataloader = dict(dataset=val_dataset)
test_dataloader = val_dataloader
''')
    assert tool.main([str(config)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [x.rpartition(', ')[2]
            for x in lines[:2]] == ['training', 'validation']
    assert lines[-1] == '2 problems'
    assert tool.main([str(config), '--splits', 'val', 'test']) == 0
    config.write_text('train_dataloader = None')
    with pytest.raises(ValueError, match='no SegmentDataset'):
        tool.main([str(config)])


def test_needs_features_or_the_flag(files, capsys):
    with pytest.raises(SystemExit):
        tool.main([files[0]])
    assert '--annotations-only' in capsys.readouterr().err


@pytest.mark.slow
def test_exit_status(files):
    command = [sys.executable, str(PATH), files[0], '--annotations-only']
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1 and '2 problems' in run.stdout
