# Copyright (c) mmevad authors. All rights reserved.
"""Time and memory of a few functions that do the same."""
import statistics
import time
import tracemalloc
from typing import Callable, List, Sequence


def median_times(functions: Sequence[Callable[[], object]],
                 repeats: int) -> List[float]:
    """Median wall time of each in seconds, after one call to warm up.

    They take turns, so that another load on the machine hits all of them.
    """
    times: List[List[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, seen in zip(functions, times):
            begin = time.perf_counter()
            function()
            if turn:
                seen.append(time.perf_counter() - begin)
    return [statistics.median(seen) for seen in times]


def peak_memory(function: Callable[[], object]) -> float:
    """Most MiB that Python and NumPy hold at once for one call."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20
