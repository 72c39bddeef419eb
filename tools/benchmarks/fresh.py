# Copyright (c) mmevad authors. All rights reserved.
"""Time and peak memory of one function in a process of its own.

Peak memory is that of a whole process and never falls, so that two functions
in one process would share it.
"""
import multiprocessing
import resource
import statistics
import sys
import time
from multiprocessing.connection import Connection
from typing import Any, Callable, List, NamedTuple


class Measured(NamedTuple):
    """What one function did.

    Attributes:
        value (Any): What it returned.
        seconds (float): Median wall time.
        mib (float): Most memory of its process, with what Python, torch
            and the data take.
    """

    value: Any
    seconds: float
    mib: float


def measure(make: Callable[..., Callable[[], Any]],
            *args: Any,
            repeats: int = 1,
            threads: int = 1) -> Measured:
    """Call ``make(*args)``, then time what it returns.

    Args:
        make (Callable): A function of a module. It prepares the data, which
            is not timed, and returns a function without arguments, whose
            result can be pickled.
        repeats (int): Timed calls. Defaults to 1.
        threads (int): Of PyTorch. Defaults to 1.

    Raises:
        RuntimeError: If the process ended without a result; it has printed
            why.
    """
    context = multiprocessing.get_context('spawn')
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(theirs, make, args, repeats, threads))
    process.start()
    theirs.close()
    try:
        value, times, mib = ours.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f'{make.__module__}.{make.__name__} ended with '
                           f'exit code {process.exitcode}.') from None
    process.join()
    return Measured(value, statistics.median(times), mib)


def _work(pipe: Connection, make: Callable, args: tuple, repeats: int,
          threads: int) -> None:
    import torch
    torch.set_num_threads(threads)
    function = make(*args)
    times: List[float] = []
    for _ in range(repeats):
        begin = time.perf_counter()
        value = function()
        times.append(time.perf_counter() - begin)
    pipe.send((value, times, _peak_mib()))
    pipe.close()


def _peak_mib() -> float:
    """Most memory that this process has held."""
    if sys.platform != 'linux':
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == 'darwin' else 2**10)
    # ru_maxrss starts with what the parent had when it called exec
    with open('/proc/self/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return int(fields['VmHWM'].split()[0]) / 2**10
