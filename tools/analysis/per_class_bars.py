# Copyright (c) mmevad authors. All rights reserved.
"""AP of each class of two or more runs, side by side, as bars and a table.

A run is the work directory of a test or training, of which the newest counts;
its .log with the table of AVAFrameMAP or TubeMAP, of which the last counts;
or a .json with AP by class, as fractions: metrics named AP/<class>, like those
of SegmentMAP with per_class=True, or nothing but classes.
"""
import argparse
import sys
from typing import Dict, List, Optional

import mmevad  # noqa: F401  isort: skip

from mmevad.utils.errors import DataError
from mmevad.visualization.charts import class_bars, save_figure
from mmevad.visualization.class_tables import read_run


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
