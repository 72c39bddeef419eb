# Copyright (c) mmevad authors. All rights reserved.
"""Runs a reader in a process of its own and says what became of it."""
import contextlib
import json
import os
import resource
import signal
import sys
import traceback
from typing import Callable, Iterator, NamedTuple

from mmevad.utils.errors import CheckpointError, DataError

SECONDS = 60
# what a reader may take in address space and touch in memory, in bytes
MAY_MAP, MAY_TOUCH = 2**31, 2**28


@contextlib.contextmanager
def little_memory(may_map: int = 3 * 2**30) -> Iterator[None]:
    """Bounds what this process takes, as long as the context lasts.

    Args:
        may_map (int): Address space beyond that at the start, in bytes.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = _status('VmSize:') + may_map
    if before[1] != resource.RLIM_INFINITY:
        limit = min(limit, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Outcome(NamedTuple):
    """What a reader made of a file.

    Attributes:
        verdict (str): 'refused', 'loaded', or what went wrong: 'ran code',
            'took memory', 'hung', 'crashed', 'other error'.
        message (str): Of the error.
        megabytes (int): Memory beyond that at the start.
    """
    verdict: str
    message: str
    megabytes: int


def _status(key: str) -> int:
    with open('/proc/self/status') as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    raise KeyError(key)


def _read(reader: Callable[[], object]) -> tuple:
    try:
        reader()
    except (DataError, CheckpointError) as error:
        return 'refused', error
    except SystemExit as error:
        # of the command lines, which print one sentence
        return ('refused' if error.code else 'loaded'), error
    except BaseException as error:
        traceback.print_exc()
        return 'other error', error
    return 'loaded', None


def _memory_error(error) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or 'allocate' in str(error).replace(
                'would allocate', ''):
            return True
        error = error.__cause__ or error.__context__
    return False


def _child(reader: Callable[[], object], log: str, pipe: int) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    resource.setrlimit(resource.RLIMIT_AS,
                       (_status('VmSize:') + MAY_MAP, ) * 2)
    before = _status('VmRSS:')
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')  # the peak starts anew
    # of computing; a machine may stop a process for a while
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(10 * SECONDS)
    verdict, error = _read(reader)
    grown = _status('VmHWM:') - before
    if _memory_error(error) or grown > MAY_TOUCH:
        verdict = 'took memory'
    sys.stdout.flush()
    answer = [verdict, f'{error}', grown // 2**20]
    os.write(pipe, json.dumps(answer).encode()[:60_000])


def run(reader: Callable[[], object], canary: str, log: str) -> Outcome:
    """Run a reader of a hostile file.

    Args:
        reader (callable): Called without arguments, in a forked process
            with little memory and time.
        canary (str): File that the payload would make.
        log (str): File for what the reader prints.
    """
    source, target = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(source)
            _child(reader, log, target)
        finally:
            os._exit(0)
    os.close(target)
    with os.fdopen(source, 'rb') as pipe:
        answer = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if os.path.exists(canary):
        os.remove(canary)
        return Outcome('ran code', '', 0)
    if code in (-signal.SIGALRM, -signal.SIGPROF):
        return Outcome('hung', f'{SECONDS} s', 0)
    if not answer:
        return Outcome('crashed', f'exit code {code}', 0)
    return Outcome(*json.loads(answer))
