# Copyright (c) mmevad authors. All rights reserved.
"""Trainings that are killed, and what is left of them.

Each training is a process of its own that runs ``tools/train.py``, forked
from this one so that the imports are done only once.
"""
import glob
import os
import os.path as osp
import random
import runpy
import signal
import sys
import time
from typing import Callable, Dict, List, Sequence, Tuple

import torch

import mmevad  # noqa: F401  isort: skip
import mmaction.models  # noqa: F401  so that a forked process has it

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))


def start(arguments: Sequence[str], log: str) -> int:
    """Start ``tools/train.py``; returns the process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        torch.set_num_threads(1)
        sys.argv = ['train.py', *arguments]
        runpy.run_path(
            osp.join(ROOT, 'tools', 'train.py'), run_name='__main__')
        code = 0
    except SystemExit as error:
        print(error)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def finish(pid: int) -> int:
    """Wait; returns the exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_when(pid: int, condition: Callable[[], bool]) -> bool:
    """SIGKILL the process and its workers once the condition holds.

    Returns:
        bool: False if the process ended by itself before.
    """
    while not condition():
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.0005)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def writing(work_dir: str) -> bool:
    """Whether a checkpoint is being written."""
    return bool(glob.glob(osp.join(work_dir, '*.part')))


def train_with_kills(arguments: Sequence[str], work_dir: str, kills: int,
                     longest: float, seed: int) -> List[str]:
    """Train with ``--resume``, killed at random moments, then to the end.

    Every third kill waits for a checkpoint that is being written.

    Args:
        arguments (list[str]): Of ``tools/train.py``.
        work_dir (str): For the checkpoints.
        kills (int): How often to kill.
        longest (float): Seconds after which a process is killed at the
            latest, but for those that wait for a checkpoint.
        seed (int): Of the moments.

    Returns:
        list[str]: What each kill hit: ``'random'`` or ``'writing'``.
    """
    rng = random.Random(seed)
    log = work_dir + '.log'
    arguments = [*arguments, '--work-dir', work_dir, '--resume']
    hits = []
    while len(hits) < kills:
        pid = start(arguments, log)
        if len(hits) % 3 == 2:
            skip = rng.random() * longest / 2
            begin = time.monotonic()
            killed = kill_when(
                pid,
                lambda: time.monotonic() - begin > skip and writing(work_dir))
            kind = 'writing'
        else:
            until = time.monotonic() + rng.random() * longest
            killed = kill_when(pid, lambda: time.monotonic() > until)
            kind = 'random'
        if killed:
            hits.append(kind)
        elif not osp.isfile(osp.join(work_dir, 'last_checkpoint')):
            raise RuntimeError(f'training failed, see {log}')
        else:
            break  # trained to the end
    if finish(start(arguments, log)):
        raise RuntimeError(f'training failed, see {log}')
    return hits


def final_state(work_dir: str) -> Tuple[str, Dict]:
    """Name and content of the last checkpoint."""
    with open(osp.join(work_dir, 'last_checkpoint')) as file:
        path = file.read()
    return osp.basename(path), torch.load(path, weights_only=False)


def differences(one, other, where: str = '') -> List[str]:
    """Places where two nested structures of tensors are not bit-equal."""
    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and torch.equal(one, other)
        return [] if same else [where]
    if isinstance(one, dict):
        keys = set(one) | set(other)
        return sum((differences(one.get(k), other.get(k), f'{where}.{k}')
                    for k in keys), [])
    if isinstance(one, (list, tuple)):
        if len(one) != len(other):
            return [where]
        return sum((differences(a, b, f'{where}[{i}]')
                    for i, (a, b) in enumerate(zip(one, other))), [])
    return [] if one == other else [where]
