# Copyright (c) mmevad authors. All rights reserved.
import pytest
import torch

from mmevad.utils import resume
from mmevad.utils.errors import CheckpointError
from mmevad.utils.resume import damage_of, latest_checkpoint


@pytest.fixture
def work_dir(tmp_path):
    for epoch in (2, 9, 10):
        torch.save(
            dict(weight=torch.rand(1000)), tmp_path / f'epoch_{epoch}.pth')
    torch.save({}, tmp_path / 'best_mAP_epoch_11.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_10.pth'))
    return tmp_path


def test_the_pointer_comes_first(work_dir):
    assert latest_checkpoint(str(work_dir)) == str(work_dir / 'epoch_10.pth')
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
    assert latest_checkpoint(str(work_dir)) == str(work_dir / 'epoch_2.pth')


@pytest.mark.parametrize('pointer', ['', 'gone.pth', None])
def test_without_a_pointer_the_highest_number(work_dir, pointer):
    (work_dir / 'last_checkpoint').unlink()
    if pointer is not None:
        (work_dir / 'last_checkpoint').write_text(pointer)
    assert latest_checkpoint(str(work_dir)) == str(work_dir / 'epoch_10.pth')


def truncate(path):
    path.write_bytes(path.read_bytes()[:2000])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize('harm', [truncate, flip_a_bit])
def test_damaged_ones_are_passed_over(work_dir, harm, monkeypatch):
    lines = []
    monkeypatch.setattr(resume, 'print_log',
                        lambda line, **kwargs: lines.append(line))
    harm(work_dir / 'epoch_10.pth')
    assert damage_of(str(work_dir / 'epoch_10.pth'))
    assert damage_of(str(work_dir / 'epoch_9.pth')) is None
    assert latest_checkpoint(str(work_dir)) == str(work_dir / 'epoch_9.pth')
    line, = lines
    assert line.startswith(f'The checkpoint {work_dir / "epoch_10.pth"} cannot'
                           ' be used (')
    assert line.endswith('); looking for the one before it.')


def test_none_and_none_that_is_good(work_dir, tmp_path):
    assert latest_checkpoint(str(tmp_path / 'elsewhere')) is None
    for epoch in (2, 9, 10):
        truncate(work_dir / f'epoch_{epoch}.pth')
    with pytest.raises(CheckpointError, match='None of the 3 checkpoints'):
        latest_checkpoint(str(work_dir))
