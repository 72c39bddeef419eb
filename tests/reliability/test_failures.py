# Copyright (c) mmevad authors. All rights reserved.
"""Full disks, folders that cannot be written to, lost workers.

Each ends training with one sentence and a non-zero code, leaves no damaged
file, and training goes on with ``--resume`` to the same weights.
"""
import ctypes
import os
import os.path as osp
import resource
import subprocess
import sys
from functools import partial

import pytest
from mmengine.config import Config

from mmevad.utils.resume import damage_of
from . import faults, tiny, training

pytestmark = pytest.mark.reliability
EPOCHS = 4


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Arguments, and the final state of an undisturbed training."""
    folder = str(tmp_path_factory.mktemp('whole'))
    arguments = tiny.actionformer(folder, train_cfg__max_epochs=EPOCHS)
    # a step that fails when it is told to, between the others
    pipeline = Config.fromfile(arguments[0]).train_dataloader.dataset.pipeline
    config = osp.join(folder, 'config.py')
    with open(config, 'w') as file:
        file.write(f'_base_ = {arguments[0]!r}\n'
                   'train_dataloader = dict(dataset=dict(pipeline=['
                   f"dict(type='Fault'), *{[dict(p) for p in pipeline]}]))\n")
    arguments = [config, *arguments[1:]]
    training.run([*arguments, '--work-dir', f'{folder}/work'], f'{folder}/log')
    return arguments, training.final_state(f'{folder}/work')


def failed(arguments, work_dir, log, prepare=lambda: None):
    """Train until it fails; returns the last line of the output."""
    pid = training.start([*arguments, '--work-dir', work_dir, '--resume'],
                         log,
                         prepare=prepare)
    code = training.finish(pid)
    with open(log) as file:
        lines = file.read().strip().split('\n')
    assert code == 1, lines[-20:]
    if osp.isdir(work_dir):
        names = training.checkpoints(work_dir)
        assert not [name for name in names if name.endswith('.part')]
        for name in names:
            assert damage_of(osp.join(work_dir, name)) is None, name
    print(f'exit code {code}: {lines[-1]}', file=sys.stderr)
    return lines[-1]


def check_goes_on(whole, work_dir, log):
    """Resume, and compare with the undisturbed training."""
    arguments, (name, expected) = whole
    training.run([*arguments, '--work-dir', work_dir, '--resume'], log)
    again, found = training.final_state(work_dir)
    assert again == name
    for key in ('state_dict', 'optimizer', 'ema_state_dict'):
        assert training.differences(expected[key], found[key]) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 60 MB, and how to change its options."""
    path = str(tmp_path / 'disk')
    os.mkdir(path)

    def mount(*options):
        return subprocess.run(['mount', '-t', 'tmpfs', *options, path],
                              capture_output=True).returncode

    if mount('-o', 'size=60m', 'tmpfs'):
        pytest.skip('mounting a file system needs root')
    yield path, lambda options: mount('-o', f'remount,{options}')
    # workers that just end may still be in it
    subprocess.run(['umount', '--lazy', path], check=True)


def test_full_disk(whole, small_disk, tmp_path):
    path, remount = small_disk
    work_dir, log = osp.join(path, 'work'), str(tmp_path / 'log')
    assert failed(whole[0], work_dir, log) == (
        f'No space left on device: {work_dir}; make room on the disk. Then '
        'go on with --resume.')
    assert any(
        name.startswith('epoch') for name in training.checkpoints(work_dir))
    assert remount('size=500m') == 0
    check_goes_on(whole, work_dir, log)


def test_read_only_disk(whole, small_disk, tmp_path):
    path, remount = small_disk
    work_dir, log = osp.join(path, 'work'), str(tmp_path / 'log')
    assert remount('ro,size=500m') == 0
    assert failed(whole[0], work_dir, log) == (
        f'Read-only file system: {work_dir}; choose a folder on a disk that '
        'can be written to. Then go on with --resume.')
    assert remount('rw,size=500m') == 0
    check_goes_on(whole, work_dir, log)


def test_limit_of_file_sizes(whole, tmp_path):
    work_dir, log = str(tmp_path / 'work'), str(tmp_path / 'log')
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE,
                    (20 << 20, 20 << 20))
    assert failed(whole[0], work_dir, log, limit) == (
        f'File too large: {work_dir}; raise the limit of file sizes '
        '(ulimit -f). Then go on with --resume.')
    assert training.checkpoints(work_dir) == []
    check_goes_on(whole, work_dir, log)


def test_folder_without_permission(whole, tmp_path):
    folder, log = tmp_path / 'closed', str(tmp_path / 'log')
    folder.mkdir(mode=0o500)
    work_dir = str(folder / 'work')

    def obey_permissions():
        """Root may write anywhere, unless it gives its capabilities up."""
        version = (ctypes.c_uint32 * 2)(0x20080522, 0)
        none = (ctypes.c_uint32 * 6)()
        if os.getuid() == 0 and ctypes.CDLL(None).capset(version, none):
            raise RuntimeError('capset failed')

    assert failed(whole[0], work_dir, log, obey_permissions) == (
        f'Permission denied: {work_dir}; change its permissions or choose '
        'another place. Then go on with --resume.')
    folder.chmod(0o700)
    check_goes_on(whole, work_dir, log)


@pytest.mark.parametrize('kind, sentence', [
    ('memory', 'A data loading worker ran out of memory (Unable to allocate '
     '1.00 PiB for an array'),
    ('kill', 'A data loading worker (process '),
    ('denied', 'Permission denied: sbj_3.npy; change its permissions'),
])
def test_worker(whole, tmp_path, kind, sentence):
    work_dir, log = str(tmp_path / 'work'), str(tmp_path / 'log')
    training.run([*whole[0], 'train_cfg.max_epochs=2', '--work-dir', work_dir],
                 log)
    last = failed(
        whole[0], work_dir, log,
        partial(os.environ.__setitem__, faults.VARIABLE, f'{kind}:sbj_3'))
    assert last.startswith(sentence)
    assert last.endswith('Then go on with --resume.')
    check_goes_on(whole, work_dir, log)


@pytest.mark.parametrize('damage', ['cut', 'changed', 'empty'])
def test_damaged_checkpoint_is_not_loaded(whole, tmp_path, damage):
    work_dir, log = str(tmp_path / 'work'), str(tmp_path / 'log')
    training.run([*whole[0], 'train_cfg.max_epochs=3', '--work-dir', work_dir],
                 log)
    newest = osp.join(work_dir, 'epoch_3.pth')
    with open(newest, 'rb') as file:
        content = bytearray(file.read())
    if damage == 'changed':
        content[len(content) // 2] ^= 1
    else:
        content = content[:len(content) // 2 if damage == 'cut' else 0]
    with open(newest, 'wb') as file:
        file.write(content)
    check_goes_on(whole, work_dir, log)
    with open(log) as file:
        text = file.read()
    assert f'The checkpoint {newest} cannot be used (' in text
    assert f'Load checkpoint from {work_dir}/epoch_2.pth' in text
    assert 'resumed epoch: 2' in text
    assert 'resumed epoch: 3' not in text
