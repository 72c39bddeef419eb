# Copyright (c) mmevad authors. All rights reserved.
"""What a process holds: memory, files, threads, children. Linux only."""
import ctypes
import gc
import os
import sys
import threading
from pathlib import Path
from typing import List, NamedTuple

PAGE = os.sysconf('SC_PAGE_SIZE') / 2**20 if os.path.isdir('/proc') else 0


class Holdings(NamedTuple):
    """Of this process.

    Attributes:
        files (list[str]): What its file descriptors point to, sorted.
        threads (list[str]): Names of Python's threads, sorted.
        tasks (int): Threads of any kind, those of libraries too.
        children (int): Processes it has started that are still there.
    """
    files: List[str]
    threads: List[str]
    tasks: int
    children: int


def holdings() -> Holdings:
    """Files, threads and children at this moment."""
    gc.collect()
    files = []
    for entry in os.listdir('/proc/self/fd'):
        try:
            files.append(os.readlink(f'/proc/self/fd/{entry}'))
        except FileNotFoundError:
            pass  # the folder itself, which was open while it was listed
    tasks = list(Path('/proc/self/task').iterdir())
    children = sum(
        len((task / 'children').read_text().split()) for task in tasks
        if (task / 'children').is_file())
    return Holdings(
        sorted(files), sorted(t.name for t in threading.enumerate()),
        len(tasks), children)


def resident() -> float:
    """Resident memory in MiB, as the system counts it."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * PAGE


def held() -> float:
    """Resident memory in MiB without what malloc keeps for later.

    Blocks that were freed stay in malloc's arenas, more or fewer of them
    with the order of sizes; glibc gives them back when it is asked to. What
    grows here is a leak, what grows only in :func:`resident` is the arenas.
    """
    gc.collect()
    if sys.platform.startswith('linux'):
        try:
            ctypes.CDLL('libc.so.6').malloc_trim(0)
        except (OSError, AttributeError):
            pass  # another C library
    return resident()
