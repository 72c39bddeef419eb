# Copyright (c) mmevad authors. All rights reserved.
"""Two evaluations with ``AVAMetric`` overwrite each other's file.

It is written to the working directory under a name that holds the second, and
stays there if the evaluation fails; and ``ava_eval`` starts 32 processes,
however few the processors, and leaves it to the garbage collector to end them.
"""
import multiprocessing
import os
import tempfile
from types import ModuleType
from typing import Any, Callable, Iterable, List

from .import_hooks import after_import
from .report import Report, module_folder

METRIC = 'mmaction.evaluation.metrics.ava_metric'
FUNCTIONS = 'mmaction.evaluation.functional.ava_utils'


def is_present() -> bool:
    """Whether the installed mmaction2 has these lines."""
    folder = module_folder('mmaction')
    wanted = {METRIC: 'AVA_{time_now}_result.csv', FUNCTIONS: '.Pool(32)'}
    for name, text in wanted.items():
        path = os.path.join(folder or '', *name.split('.')[1:]) + '.py'
        if not os.path.isfile(path):
            return False
        with open(path, encoding='utf-8') as file:
            if text not in file.read():
                return False
    return True


class _ClosingPool:
    """As many processes as processors, for the time of one ``map``."""

    def __init__(self, processes: int) -> None:
        self.processes = min(processes, os.cpu_count() or 1)

    def map(self, function: Callable, items: Iterable) -> List[Any]:
        with multiprocessing.Pool(self.processes) as pool:
            return pool.map(function, items)


class _Multiprocessing(ModuleType):
    Pool = _ClosingPool

    def __getattr__(self, name: str) -> Any:
        return getattr(multiprocessing, name)


def _close_pool(module: ModuleType) -> None:
    module.multiprocessing = _Multiprocessing('multiprocessing')


def _own_file(module: ModuleType) -> None:

    def compute_metrics(self, results: list) -> dict:
        """Compute the metrics from processed results."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'result.csv')
            module.results2csv(results, path, self.custom_classes)
            return module.ava_eval(
                path,
                self.options[0],
                self.label_file,
                self.ann_file,
                self.exclude_file,
                ignore_empty_frames=True,
                custom_classes=self.custom_classes)

    module.AVAMetric.compute_metrics = compute_metrics


def apply() -> Report:
    name = 'AVAMetric shares a file between runs'
    if not is_present():
        return Report(name, False, 'nothing')
    after_import(FUNCTIONS, _close_pool)
    after_import(METRIC, _own_file)
    return Report(name, True,
                  'a temporary file of its own, one process per processor')
