# Copyright (c) mmevad authors. All rights reserved.
"""Trainings that are killed, and what is left of them.

Each training is a process of its own that runs ``tools/train.py``, forked
from this one so that the imports are done only once. So are tests.
"""
import glob
import os
import os.path as osp
import random
import re
import runpy
import signal
import socket
import sys
import time
from functools import partial
from typing import Callable, Dict, List, Sequence, Tuple

import torch

import mmevad  # noqa: F401  isort: skip
import mmaction.models  # noqa: F401  so that a forked process has it

import mmevad.datasets  # noqa: F401  and the same code as the others
from mmevad.utils.atomic_file import PARTIAL

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))


def start(arguments: Sequence[str],
          log: str,
          script: str = 'train',
          prepare: Callable[[], None] = lambda: None) -> int:
    """Start a script of ``tools/`` in a process of its own.

    Args:
        arguments (list[str]): Of the script.
        log (str): File that its output is added to.
        script (str): Its name. Defaults to 'train'.
        prepare (callable): Called in the process before. Defaults to
            nothing.

    Returns:
        int: Process id.
    """
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
        sys.argv = [f'{script}.py', *arguments]
        prepare()
        runpy.run_path(
            osp.join(ROOT, 'tools', f'{script}.py'), run_name='__main__')
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        print(error)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def run(arguments: Sequence[str],
        log: str,
        script: str = 'train',
        processes: int = 1) -> None:
    """Run a script of ``tools/`` to its end, as ``torchrun`` would.

    Args:
        arguments (list[str]): Of the script.
        log (str): File that its output is added to.
        script (str): Its name. Defaults to 'train'.
        processes (int): Processes. Defaults to 1.

    Raises:
        RuntimeError: If a process fails; with the end of the log.
    """
    if processes == 1:
        pids = [start(arguments, log, script)]
    else:
        port = free_port()
        pids = []
        for rank in range(processes):
            variables = dict(
                RANK=rank,
                LOCAL_RANK=rank,
                WORLD_SIZE=processes,
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=port)
            prepare = partial(os.environ.update, {
                name: str(value)
                for name, value in variables.items()
            })
            pids.append(
                start([*arguments, '--launcher', 'pytorch'], log, script,
                      prepare))
    codes = [finish(pid) for pid in pids]
    if any(codes):
        with open(log) as file:
            raise RuntimeError(f'exit codes {codes}\n{file.read()[-3000:]}')


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


def half_written(work_dir: str, pid: int, name: str = '*') -> List[str]:
    """Files that a process has begun to write, by their final names."""
    pattern = osp.join(glob.escape(work_dir), f'{name}.{pid}{PARTIAL}')
    return sorted(
        osp.basename(p).rsplit('.', 2)[0] for p in glob.glob(pattern))


def last_epoch(work_dir: str) -> int:
    """Number of the newest checkpoint, 0 without any."""
    paths = glob.glob(osp.join(glob.escape(work_dir), 'epoch_*.pth'))
    return max(
        (int(re.findall(r'\d+', osp.basename(path))[0]) for path in paths),
        default=0)


def train_with_kills(arguments: Sequence[str], work_dir: str, kills: int,
                     longest: float, seed: int) -> List[List[str]]:
    """Train with ``--resume``, killed at random moments, then to the end.

    Every other kill waits for a file that is being written. No process comes
    further than to its second new checkpoint.

    Args:
        arguments (list[str]): Of ``tools/train.py``; a dozen more epochs
            than kills, each with a checkpoint.
        work_dir (str): For the checkpoints.
        kills (int): How often to kill.
        longest (float): Seconds after which a process is killed at the
            latest, but for those that wait for a file.
        seed (int): Of the moments.

    Returns:
        list[list[str]]: For each kill the files that it left half-written.

    Raises:
        RuntimeError: If training failed, or ended before all kills.
    """
    rng = random.Random(seed)
    log = work_dir + '.log'
    arguments = [*arguments, '--work-dir', work_dir, '--resume']
    hits = []
    for number in range(kills):
        end = last_epoch(work_dir) + 2
        moment = time.monotonic() + rng.random() * longest
        pid = start(arguments, log)

        def due() -> bool:
            late = time.monotonic() > moment
            if number % 2:
                late = late and bool(half_written(work_dir, pid))
            return (late or last_epoch(work_dir) >= end
                    or bool(half_written(work_dir, pid, f'epoch_{end}.pth')))

        if not kill_when(pid, due):
            raise RuntimeError(f'training ended after {number} of {kills} '
                               f'kills, see {log}')
        hits.append(half_written(work_dir, pid))
    if finish(start(arguments, log)):
        raise RuntimeError(f'training failed, see {log}')
    return hits


def final_state(work_dir: str) -> Tuple[str, Dict]:
    """Name and content of the last checkpoint."""
    with open(osp.join(work_dir, 'last_checkpoint')) as file:
        path = file.read()
    return osp.basename(path), torch.load(path, weights_only=False)


def messages(state: Dict) -> Dict:
    """What a checkpoint's message hub holds, without clocks and paths."""
    hub = state['message_hub']
    found = {
        # as text, since NaN is not equal to itself
        name: [[repr(x) for x in column.tolist()] for column in buffer.data]
        for name, buffer in hub['log_scalars'].items()
        if not name.endswith('time')
    }
    for name, value in hub['runtime_info'].items():
        if name.endswith('_ckpt'):
            found[name] = osp.basename(value)
        elif name not in ('cfg', 'experiment_name', 'eta', 'mmengine_version'):
            found[name] = value
    return found


def checkpoints(work_dir: str) -> List[str]:
    """Names of all checkpoints, and of files that are not complete."""
    return sorted(
        name for name in os.listdir(work_dir)
        if name.endswith(('.pth', PARTIAL)))


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
