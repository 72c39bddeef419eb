# Copyright (c) mmevad authors. All rights reserved.
"""Curves and metrics from the JSON files that mmengine writes."""
import json
import math
import os.path as osp
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json

MAX_POINTS = 400
_TIMES = ('time', 'data_time', 'memory')


class Curve(NamedTuple):
    """A number over the steps of a training.

    Attributes:
        steps (list[float]): Iterations, or epochs of an evaluation.
        values (list[float]): Finite.
    """
    steps: List[float]
    values: List[float]


class Scalars(NamedTuple):
    """What was logged.

    Attributes:
        train (dict[str, Curve]): Losses, learning rate, times; by iteration.
        evaluations (list[dict]): Metrics, each with its 'step'.
        binned (int): Log entries that a point of a curve is the mean of.
        cut (list[str]): Files whose last line is cut off, which a process
            that was killed, or that still runs, leaves.
    """
    train: Dict[str, Curve]
    evaluations: List[Dict[str, float]]
    binned: int
    cut: List[str]


def read_rows(path: str) -> Tuple[List[dict], bool]:
    """Lines of a scalars.json, and whether the last one is cut off.

    Raises:
        DataError: If another line is no JSON object with numbers.
    """
    with open(path, encoding='utf-8', errors='replace') as file:
        lines = file.read().split('\n')
    ended = not lines[-1].strip()
    lines = [line for line in lines if line.strip()]
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError('not an object')
        except ValueError as error:
            if number == len(lines) and not ended:
                return rows, True
            raise DataError(f'{path}, line {number}: no JSON object '
                            f'({error}); delete this line.') from error
        rows.append(row)
    return rows, False


def _number(value: object) -> Optional[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _mean_of_bins(points: Sequence[Tuple[float, float]], size: int) -> Curve:
    bins = [points[i:i + size] for i in range(0, len(points), size)]
    steps = [float(x[-1][0]) for x in bins]
    return Curve(steps, [float(np.mean([y for _, y in x])) for x in bins])


def collect_scalars(stamps: Sequence[str]) -> Scalars:
    """Join the logs of one training, which may have been resumed.

    Where a later start repeats steps of an earlier one, the later counts.

    Args:
        stamps (list[str]): Folders with ``vis_data/scalars.json``, the
            oldest first.

    Raises:
        DataError: If a line of a file is broken.
    """
    train: List[dict] = []
    evaluations: List[dict] = []
    cut = []
    for stamp in stamps:
        path = osp.join(stamp, 'vis_data', 'scalars.json')
        if not osp.isfile(path):
            continue
        rows, is_cut = read_rows(path)
        cut += [path] * is_cut
        rows = [row for row in rows if _number(row.get('step')) is not None]
        # training logs the learning rate, an evaluation does not
        own = [row for row in rows if 'lr' in row or 'loss' in row]
        others = [row for row in rows if 'lr' not in row and 'loss' not in row]
        for old, new in ((train, own), (evaluations, others)):
            if new:
                first = new[0]['step']
                old[:] = [row for row in old if row['step'] < first] + new
    size = max(1, math.ceil(len(train) / MAX_POINTS))
    names = dict.fromkeys(
        key for row in train for key in row
        if key not in ('step', 'iter', 'epoch', 'base_lr'))
    curves = {}
    for name in names:
        points = [(row['step'], _number(row.get(name))) for row in train]
        points = [(x, y) for x, y in points if y is not None]
        if points:
            curves[name] = _mean_of_bins(points, size)
    return Scalars(curves, [_finite(row) for row in evaluations], size, cut)


def _finite(row: dict) -> Dict[str, float]:
    """Metrics that are numbers, without times."""
    numbers = {name: _number(value) for name, value in row.items()}
    return {
        name: value
        for name, value in numbers.items()
        if value is not None and name not in _TIMES
    }


def read_test_metrics(stamps: Sequence[str]) -> Tuple[Dict[str, float], str]:
    """Metrics of the newest test, and the name of its file.

    Returns:
        tuple: Both empty if no test ended here.

    Raises:
        DataError: If the file is broken.
    """
    for stamp in reversed(stamps):
        path = osp.join(stamp, f'{osp.basename(stamp)}.json')
        if osp.isfile(path):
            return _finite(read_json(path)), path
    return {}, ''
