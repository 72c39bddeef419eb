# Copyright (c) mmevad authors. All rights reserved.
import os

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmevad.engine import SafeCheckpointHook  # noqa: F401, registers
from tests import toy  # noqa: F401, registers

CONFIG = 'tests/data/toy_config.py'


def runner_of(work_dir, epochs, **checkpoint):
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = str(work_dir)
    count = len(os.listdir(work_dir))
    cfg.experiment_name = f'{work_dir.name}_{epochs}_{count}'
    cfg.train_cfg.max_epochs = epochs
    cfg.optim_wrapper.optimizer.lr = 0.01
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = dict(
        type='SafeCheckpointHook',
        interval=1,
        save_best='toy/value',
        rule='greater',
        **checkpoint)
    return Runner.from_cfg(cfg)


def checkpoints(folder):
    return sorted(f for f in os.listdir(folder) if f.endswith('.pth'))


class Files(Hook):
    """What is there whenever a checkpoint is about to be saved."""

    priority = 'LOWEST'

    def __init__(self, folder):
        self.folder, self.seen = folder, []

    def before_save_checkpoint(self, runner, checkpoint):
        self.seen.append(checkpoints(self.folder))


def test_the_old_one_goes_after_the_new_one_is_complete(tmp_path):
    files = Files(tmp_path)
    runner = runner_of(tmp_path, 3, max_keep_ckpts=1)
    runner.register_hook(files)
    runner.train()
    assert checkpoints(tmp_path) == [
        'best_toy_value_epoch_3.pth', 'epoch_3.pth'
    ]
    assert files.seen[0] == []
    assert all(
        any(f.startswith('epoch') for f in seen) for seen in files.seen[1:])
    # from the first best one on there always is one
    assert all(
        any(f.startswith('best') for f in seen) for seen in files.seen[2:])
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path /
                                                             'epoch_3.pth')


def test_a_failed_write_leaves_the_good_ones(tmp_path, monkeypatch):
    runner_of(tmp_path, 1, max_keep_ckpts=1).train()
    before = {f: (tmp_path / f).read_bytes() for f in checkpoints(tmp_path)}

    def full(fd):
        raise OSError(28, 'No space left on device')

    runner = runner_of(tmp_path, 2, max_keep_ckpts=1)
    runner._resume, runner._load_from = True, str(tmp_path / 'epoch_1.pth')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'):
        runner.train()
    assert before == {
        f: (tmp_path / f).read_bytes()
        for f in checkpoints(tmp_path)
    }
    assert not [f for f in os.listdir(tmp_path) if f.endswith('.part')]


def test_a_resumed_run_repeats_the_evaluation(tmp_path):
    """Killed after the checkpoint and before the evaluation."""
    runner_of(tmp_path, 1, max_keep_ckpts=2).train()
    whole = checkpoints(tmp_path)
    path = tmp_path / 'epoch_1.pth'
    state = torch.load(path, weights_only=False)
    for key in ('best_score', 'best_ckpt', 'evaluated'):
        del state['message_hub']['runtime_info'][key]
    torch.save(state, path)
    (tmp_path / whole[0]).unlink()
    (tmp_path / f'epoch_2.pth.{os.getpid()}.part').write_bytes(b'half')
    runner = runner_of(tmp_path, 1, max_keep_ckpts=2)
    runner._resume, runner._load_from = True, str(path)
    runner.train()
    assert checkpoints(tmp_path) == whole
    assert not [f for f in os.listdir(tmp_path) if f.endswith('.part')]
    assert runner.message_hub.get_info('best_score') == pytest.approx(
        runner.model.value.item())


def test_what_a_kill_left_is_removed(tmp_path):
    """Killed after a new checkpoint and before the old ones were removed."""
    runner_of(tmp_path, 3, max_keep_ckpts=2).train()
    whole = checkpoints(tmp_path)
    assert whole == [
        'best_toy_value_epoch_3.pth', 'epoch_2.pth', 'epoch_3.pth'
    ]
    for name in ('epoch_1.pth', 'best_toy_value_epoch_2.pth'):
        (tmp_path / name).write_bytes(b'old')
    mine = tmp_path / 'best_toy_value_of_all.pth'
    mine.write_bytes(b'mine')
    (tmp_path / 'last_checkpoint.123.part').write_bytes(b'half')
    runner = runner_of(tmp_path, 3, max_keep_ckpts=2)
    runner._resume, runner._load_from = True, str(tmp_path / 'epoch_3.pth')
    runner.train()
    assert checkpoints(tmp_path) == sorted([*whole, mine.name])
    assert not [f for f in os.listdir(tmp_path) if f.endswith('.part')]


def test_an_evaluated_checkpoint_is_not_evaluated_again(tmp_path):
    runner_of(tmp_path, 1, max_keep_ckpts=2).train()
    runner = runner_of(tmp_path, 1, max_keep_ckpts=2)
    runner._resume, runner._load_from = True, str(tmp_path / 'epoch_1.pth')
    runner.train()
    values = runner.message_hub.get_scalar('val/toy/value').data[0]
    assert len(values) == 1


def test_other_storage_is_left_alone(tmp_path):
    runner = runner_of(tmp_path, 1, backend_args=dict(backend='local'))
    runner.train()
    hook = next(h for h in runner.hooks if isinstance(h, SafeCheckpointHook))
    assert hook.backend_args == dict(backend='local')
    assert isinstance(hook.file_backend._backend, LocalBackend)
