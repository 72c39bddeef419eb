# Copyright (c) mmevad authors. All rights reserved.
"""One sentence for what ends a program from outside: disk, memory, workers."""
import errno
import os
import re
import sys
from contextlib import contextmanager
from typing import Iterator, Optional

from .errors import CheckpointError, DataError

# what to do about it; others are left to Python's own traceback
_ADVICE = {
    errno.ENOSPC: 'make room on the disk',
    errno.EDQUOT: 'make room within the quota of the disk',
    errno.EFBIG: 'raise the limit of file sizes (ulimit -f)',
    errno.EROFS: 'choose a folder on a disk that can be written to',
    errno.EACCES: 'change its permissions or choose another place',
    errno.EPERM: 'change its permissions or choose another place',
    errno.EMFILE: 'raise the limit of open files (ulimit -n)',
    errno.EIO: 'look after the disk',
}
_NO_MEMORY = re.compile(
    r'DefaultCPUAllocator|CUDA out of memory|Insufficient memory|'
    r'Unable to allocate|Cannot allocate memory')
_LOST_WORKER = re.compile(
    r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (.*)')


def message_of(error: BaseException) -> str:
    """What an error says, without the traceback of a worker around it."""
    text = str(error)
    if 'Original Traceback' in text:
        # 'Caught X in DataLoader worker process 0.' and the lines below
        text = re.split(r'\n(?:[\w.]+\.)?\w+(?:: |$)', text)[-1]
    return text.strip()


def explain(error: BaseException, work_dir: str) -> Optional[str]:
    """What happened and what to do about it.

    Args:
        error (BaseException): What ended the program; may come from a worker
            of a data loader.
        work_dir (str): Where the program writes.

    Returns:
        str, optional: One sentence, None for errors of another kind.
    """
    message = message_of(error)
    if isinstance(error, (CheckpointError, DataError)):
        return message
    lost = _LOST_WORKER.search(message)
    if lost:
        return (f'A data loading worker (process {lost[1]}) '
                f'{lost[2].strip(" .")}; if memory was short, lower '
                'num_workers or batch_size of the data loader.')
    in_worker = 'in DataLoader worker' in str(error)
    where = 'A data loading worker' if in_worker else 'The program'
    if isinstance(error, MemoryError) or _NO_MEMORY.search(message):
        reason = message.split('\n')[0].strip(' .')
        return (f'{where} ran out of memory'
                f'{f" ({reason})" if reason else ""}; lower batch_size'
                f'{", or num_workers," if in_worker else ""} or use a machine '
                'with more.')
    if isinstance(error, OSError):
        found = re.search(r'\[Errno (\d+)\]', message)
        number = error.errno or (int(found[1]) if found else None)
        if number in _ADVICE:
            path = error.filename
            if path is None:
                named = re.search(r"'([^']+)'$", message)
                path = named[1] if named else work_dir
            return f'{os.strerror(number)}: {path}; {_ADVICE[number]}.'
    return None


@contextmanager
def explained(work_dir: str, resume: bool = False) -> Iterator[None]:
    """Exit with one sentence where :func:`explain` has one.

    Args:
        work_dir (str): Where the program writes.
        resume (bool): Whether to point to ``--resume``. Defaults to False.
    """
    try:
        yield
    except Exception as error:
        sentence = explain(error, work_dir)
        if sentence is None:
            raise
        if resume and not isinstance(error, (CheckpointError, DataError)):
            sentence += ' Then go on with --resume.'
        sys.exit(sentence)
