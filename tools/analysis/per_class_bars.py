# Copyright (c) mmevad authors. All rights reserved.
"""AP of each class of two or more runs, side by side, as bars and a table.

A run is the work directory of a test or training, of which the newest counts;
its .log with the table of AVAFrameMAP or TubeMAP, of which the last counts;
or a .json with AP by class, as fractions: metrics named AP/<class>, like those
of SegmentMAP with per_class=True, or nothing but classes.
"""
import argparse
import glob
import os.path as osp
import re
import sys
from typing import Dict, List, Optional

import mmevad  # noqa: F401  isort: skip

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json
from mmevad.visualization.charts import class_bars, save_figure

_AVA_TITLE = 'AP at IoU'
_AVA_ROW = re.compile(r' *\d+ (.*\S) +(nan|\d+\.\d+) +\d+ annotated +\d+ '
                      r'detected$')
_TUBE_TITLE = 'AP in percent:'
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
    metrics = {
        name: value
        for name, value in read_json(path).items()
        if isinstance(value, (int, float))
    }
    named = {
        name.split('AP/', 1)[1]: value
        for name, value in metrics.items() if re.match(r'(.*/)?AP/', name)
    }
    return {name: 100 * value for name, value in named.items()}


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
        if osp.isfile(metrics):
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


def format_table(runs: Dict[str, Dict[str, float]]) -> str:
    """Classes by what the last run gains over the first."""
    first, last = list(runs.values())[0], list(runs.values())[-1]
    nan = float('nan')
    classes = sorted(
        dict.fromkeys(c for run in runs.values() for c in run),
        key=lambda c: first.get(c, 0) - last.get(c, 0))
    lines = [
        f'{"class":<32}' + ''.join(f'{name[-15:]:>16}'
                                   for name in runs) + f'{"difference":>12}'
    ]
    for name in classes:
        lines.append(f'{name[:31]:<32}' +
                     ''.join(f'{run.get(name, nan):>16.2f}'
                             for run in runs.values()) +
                     f'{last.get(name, nan) - first.get(name, nan):>+12.2f}')
    return '\n'.join(lines)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('runs', nargs='+', help='two or more, see above')
    parser.add_argument(
        '--names', nargs='+', help='of the runs; by default their paths')
    parser.add_argument('--out', help='.png file to draw to')
    parser.add_argument('--title', default='')
    parser.add_argument(
        '--column',
        help="of TubeMAP's table, like video@0.5; the first by default")
    args = parser.parse_args(argv)
    if not 2 <= len(args.runs) <= 4:
        parser.error('give two to four runs')
    args.names = args.names or args.runs
    if len(args.names) != len(set(args.names)) or len(args.names) != len(
            args.runs):
        parser.error('give each run a name of its own')
    return args


def main(argv: Optional[List[str]] = None) -> Dict[str, Dict[str, float]]:
    args = parse_args(argv)
    try:
        runs = {
            name: read_run(path, args.column)
            for name, path in zip(args.names, args.runs)
        }
    except DataError as error:
        sys.exit(f'error: {error}')
    print(format_table(runs))
    if args.out:
        save_figure(class_bars(runs, args.title), args.out)
        print(f'Wrote {args.out}')
    return runs


if __name__ == '__main__':
    main()
