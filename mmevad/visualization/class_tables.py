# Copyright (c) mmevad authors. All rights reserved.
"""AP by class, read back from what a test or a training has written."""
import glob
import os.path as osp
import re
from typing import Dict, List, Optional

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json

_AVA_TITLE = 'AP at IoU'
_AVA_ROW = re.compile(r' *\d+ (.*\S) +(nan|\d+\.\d+) +\d+ annotated +\d+ '
                      r'detected$')
_TUBE_TITLE = 'AP in percent:'
_METRIC = re.compile(r'(?:.*?/)?AP/(.+)')  # after the prefix of the metric
_TUBE_CELL = 16  # characters


def read_ava_table(lines: List[str], start: int) -> Dict[str, float]:
    """Rows of AVAFrameMAP's table, whose title is in line ``start``."""
    found = {}
    for line in lines[start + 1:]:
        row = _AVA_ROW.match(line)
        if row is None:
            break
        found[row.group(1)] = float(row.group(2))
    return found


def read_tube_table(lines: List[str], start: int,
                    column: Optional[str]) -> Dict[str, float]:
    """A column of TubeMAP's table, whose title is in line ``start``.

    Raises:
        DataError: If there is no such column.
    """
    titles = lines[start + 1].split()
    if column is None:
        column = titles[0]
    if column not in titles[:-2]:
        raise DataError(f'The table has no column {column!r}; it has '
                        f'{", ".join(titles[:-2])}.')
    found = {}
    for line in lines[start + 2:]:
        name = line[:-_TUBE_CELL * len(titles)].strip()
        cells = line[-_TUBE_CELL * len(titles):].split()
        if name == 'mean' or len(cells) != len(titles):
            break
        if cells[titles.index(column)] != '-':  # class without ground truth
            found[name] = float(cells[titles.index(column)])
    return found


def read_log(path: str, column: Optional[str] = None) -> Dict[str, float]:
    """AP in percent by class, of the last table in a log.

    Args:
        path (str): Text log of mmengine.
        column (str, optional): Of TubeMAP's table; the first by default.

    Raises:
        DataError: If there is no table.
    """
    with open(path, encoding='utf-8') as file:
        lines = [line.rstrip() for line in file]
    for start in range(len(lines) - 1, -1, -1):
        if _AVA_TITLE in lines[start]:
            return read_ava_table(lines, start)
        if lines[start].endswith(_TUBE_TITLE):
            return read_tube_table(lines, start, column)
    raise DataError(f'{path} has no table of AVAFrameMAP or TubeMAP.')


def read_metrics(path: str) -> Dict[str, float]:
    """AP in percent by class, of a JSON; empty if it has none."""
    found = {}
    for name, value in read_json(path).items():
        named = _METRIC.match(name)
        if named and isinstance(value, (int, float)):
            found[named.group(1)] = 100 * value
    return found


def read_run(path: str, column: Optional[str] = None) -> Dict[str, float]:
    """AP in percent by class, of a work directory, .log or .json.

    Raises:
        DataError: If there is none.
    """
    if osp.isdir(path):
        logs = sorted(
            glob.glob(osp.join(glob.escape(path), '[0-9]*_[0-9]*', '*.log')))
        if not logs:
            raise DataError(f'{path} holds no log; give the work directory '
                            'of a test.')
        metrics = osp.splitext(logs[-1])[0] + '.json'
        # the metrics have one AP of a class, the table may have more
        if column is None and osp.isfile(metrics):
            found = read_metrics(metrics)
            if found:
                return found
        return read_log(logs[-1], column)
    if not path.endswith('.json'):
        if not osp.isfile(path):
            raise DataError(f'{path} does not exist.')
        return read_log(path, column)
    found = read_metrics(path)
    if not found:
        values = read_json(path)
        found = {
            name: 100 * value
            for name, value in values.items()
            if isinstance(value, float) and 0 <= value <= 1
        }
        if not found or len(found) != len(values):
            raise DataError(
                f'{path} has no metrics named AP/<class>, and is no table '
                'of fractions by class; set per_class=True in the metric.')
    return found
