# Copyright (c) mmevad authors. All rights reserved.
"""Time and memory of a few functions that do the same."""
import ctypes
import statistics
import time
import tracemalloc
from contextlib import suppress
from typing import Any, Callable, List, NamedTuple, Sequence

import torch
from benchmarks import fresh


def synchronize(device: str) -> None:
    """Wait until the device has done all that it was asked for."""
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)


def median_times(
        functions: Sequence[Callable[[], object]],
        repeats: int,
        device: str = 'cpu',
        warmup: int = 1,
        clock: Callable[[], float] = time.perf_counter) -> List[float]:
    """Median wall time of each in seconds, after a few calls to warm up.

    They take turns, so that another load on the machine hits all of them.
    ``clock`` may be ``time.process_time``, which another load hits less.
    """
    times: List[List[float]] = [[] for _ in functions]
    for turn in range(repeats + warmup):
        for function, seen in zip(functions, times):
            synchronize(device)
            begin = clock()
            function()
            synchronize(device)
            if turn >= warmup:
                seen.append(clock() - begin)
    return [statistics.median(seen) for seen in times]


def peak_memory(function: Callable[[], object]) -> float:
    """Most MiB that Python and NumPy hold at once for one call."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


class Memory(NamedTuple):
    """Peak memory of one call after another one.

    Attributes:
        total (float): MiB of the process, or of PyTorch on a GPU: with the
            model, gradients and the state of the optimiser.
        extra (float): MiB above what was held before the call.
    """
    total: float
    extra: float


def memory_of(make: Callable[..., Callable[[], object]], *args: Any,
              device: str, threads: int) -> Memory:
    """Peak memory of what ``make(*args)`` returns.

    On the CPU in a process of its own, see :mod:`fresh`; ``make`` and its
    arguments must be picklable.
    """
    if device.startswith('cuda'):
        function = make(*args)
        function()
        synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        function()
        synchronize(device)
        peak = torch.cuda.max_memory_allocated(device)
        return Memory(peak / 2**20, (peak - before) / 2**20)
    result = fresh.measure(_watched, make, args, threads=threads)
    return Memory(result.mib, result.mib - result.value)


def _watched(make: Callable, args: tuple) -> Callable[[], float]:
    """One call to warm up, then one whose peak counts; gives the MiB held
    before."""
    function = make(*args)
    function()

    def second() -> float:
        with suppress(OSError, AttributeError):  # glibc keeps freed memory
            ctypes.CDLL('libc.so.6').malloc_trim(0)
        with suppress(OSError):  # Linux: the peak starts from here
            with open('/proc/self/clear_refs', 'w') as file:
                file.write('5')
        before = _resident_mib()
        function()
        return before

    return second


def _resident_mib() -> float:
    with open('/proc/self/status') as file:
        fields = dict(line.split(':', 1) for line in file)
    return int(fields['VmRSS'].split()[0]) / 2**10
