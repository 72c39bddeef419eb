# Copyright (c) mmevad authors. All rights reserved.
"""The guides, run from the first line to the last."""
import json
import re

import pytest

from .pages import DOCS, make_clone, run_here, run_literally


@pytest.fixture
def clone(tmp_path, monkeypatch):
    make_clone(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    return tmp_path


def check_own_features(folder, printed):
    """Planted features are easy: the numbers say that nothing is shifted."""
    assert '\n0 problems\n' in printed
    averages = re.findall(r'\bmAP: ([\d.]+)', printed)
    assert len(averages) >= 2  # of training and of testing
    assert all(float(x) > 0.8 for x in averages), averages
    out = json.loads(
        (folder / 'my_actions/out/new_video_segments.json').read_text())
    assert {x['label'] for x in out['segments']} <= {'jump', 'throw', 'turn'}
    assert len(out['segments']) >= 5
    for name in ('out/new_video_timeline.png', 'errors.png'):
        assert (folder / 'my_actions' / name).stat().st_size > 5000, name
    assert len(list((folder / 'my_actions/pictures').rglob('*.png'))) == 6
    assert len(list((folder / 'my_actions/evad_features').glob('*.npy'))) == 2


def test_own_features(clone, monkeypatch, capfd):
    run_here(DOCS / 'own_features.md', monkeypatch)
    check_own_features(clone, ''.join(capfd.readouterr()))


@pytest.mark.slow
def test_own_features_literally(clone):
    printed = run_literally(DOCS / 'own_features.md', clone)
    check_own_features(clone, printed)


def check_own_videos(folder, printed):
    """The weights know these people, so even a few iterations find them."""
    assert '\n0 problems\n' in printed
    person = re.findall(r'person-AP@0.5: ([\d.]+)', printed)
    overall = re.findall(r'mAP/overall: ([\d.]+)', printed)
    assert len(person) == len(overall) == 2  # of training and of testing
    assert float(person[1]) > 0.5, person
    assert float(overall[1]) > 0.2, overall
    out = json.loads((folder / 'my_videos/out/test_000.json').read_text())
    assert [x['frame'] for x in out['keyframes']] == list(range(0, 25, 4))
    actors = [actor for x in out['keyframes'] for actor in x['actors']]
    assert len(actors) >= 5
    assert {name
            for x in actors
            for name in x['actions']} <= {'walk', 'stand', 'other'}
    for name in ('test_000_actions.mp4', 'test_000_actions.png'):
        assert (folder / 'my_videos/out' / name).stat().st_size > 5000, name
    assert len(list((folder / 'my_videos/pictures').rglob('*.png'))) == 4


def test_own_videos_until_training(clone, monkeypatch, capfd):
    """Annotations, config, check and pictures; the rest takes longer."""
    run_here(DOCS / 'own_videos.md', monkeypatch, until='tools/train.py')
    assert '\n0 problems\n' in capfd.readouterr().out
    pictures = list((clone / 'my_videos/pictures').rglob('*.png'))
    assert len(pictures) == 4
    rows = (clone / 'my_videos/train.csv').read_text().splitlines()
    assert len(rows) > 20 and {row.split(',')[6] for row in rows} <= set('123')
    assert not (clone / 'my_videos/run').exists()


def test_faq(monkeypatch, capsys):
    run_here(DOCS / 'faq.md', monkeypatch)
    assert 'feat_stride=16, num_frames=35, roughly' in capsys.readouterr().out


def test_extend(clone, monkeypatch):
    """The page asserts what it says."""
    monkeypatch.syspath_prepend(str(clone))
    run_here(DOCS / 'extend.md', monkeypatch)


@pytest.mark.slow
def test_own_videos_literally(clone):
    check_own_videos(clone, run_literally(DOCS / 'own_videos.md', clone))


@pytest.mark.slow
def test_extend_literally(clone):
    run_literally(DOCS / 'extend.md', clone)
