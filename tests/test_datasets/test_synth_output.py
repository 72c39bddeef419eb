# Copyright (c) mmevad authors. All rights reserved.
"""Where the drawn videos go: what is kept, and what is refused."""
import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mmevad.datasets.synth_actors import Settings, generate

TOOL = Path(__file__).parents[2] / 'tools/data/synth_actors/generate.py'


@pytest.fixture
def settings(tmp_path):
    """The shortest data set."""
    return Settings(
        str(tmp_path / 'data'),
        seed=3,
        size=(96, 72),
        videos=(1, 0, 0),
        seconds=1.5,
        interval=6,
        train_interval=6,
        workers=1)


def test_a_filled_folder_is_kept_unless_told_otherwise(settings, tmp_path):
    target = tmp_path / 'data'
    target.mkdir()
    (target / 'old').write_text('x')
    with pytest.raises(FileExistsError, match='--overwrite'):
        generate(settings)
    assert os.listdir(target) == ['old']
    assert (target / 'old').read_text() == 'x'
    generate(replace(settings, kind='videos', overwrite=True))
    assert sorted(os.listdir(target)) == [
        'actions.png', 'annotations', 'contact_sheet.png', 'videos'
    ]
    assert os.listdir(tmp_path) == ['data']


def test_a_failure_leaves_nothing_behind(settings, tmp_path, monkeypatch):

    def broken(*args):
        raise OSError('disk full')

    monkeypatch.setattr(
        'mmevad.datasets.synth_actors.dataset.write_annotations', broken)
    with pytest.raises(OSError, match='disk full'):
        generate(settings)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('args, message', [
    (['--size', '128'], 'expected WIDTHxHEIGHT'),
    (['--size', '32x32'], 'at least 48 pixels'),
    (['--size', '100x400'], 'width / height'),
    (['--videos', '0', '0', '0'], 'not all 0'),
    (['--seconds', '1'], 'at least 16 frames'),
    (['--keyframe-interval', '0'], 'keyframe interval'),
    (['--workers', '0'], 'workers must be'),
])
def test_bad_arguments_are_refused_in_one_sentence(args, message, capsys):
    spec = importlib.util.spec_from_file_location('synth_generate', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with pytest.raises(SystemExit) as error:
        tool.main(['unused', *args])
    assert error.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not os.path.exists('unused')
