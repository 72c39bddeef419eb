# Copyright (c) mmevad authors. All rights reserved.
"""Mean and spread of the metrics of several tests, as over JHMDB's splits.

Each run is the work directory of ``mim test``; of several tests in it, the
newest counts.
"""
import argparse
import glob
import os.path as osp
import statistics
from typing import Dict, List, Optional

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json


def metrics_of(work_dir: str) -> Dict[str, float]:
    """What the newest test of a work directory has measured.

    Args:
        work_dir (str): With ``<time>/<time>.json``, as mmengine writes it.

    Raises:
        SystemExit: If there is none.
    """
    runs = sorted(
        path for path in glob.glob(
            osp.join(glob.escape(work_dir), '[0-9]*_[0-9]*', '*.json'))
        if osp.basename(path) == osp.basename(osp.dirname(path)) + '.json')
    if not runs:
        raise SystemExit(f'{work_dir} holds no results of a test; give the '
                         '--work-dir of mim test.')
    try:
        metrics = read_json(runs[-1])
    except DataError as error:
        raise SystemExit(str(error)) from error
    # the times of an iteration are logged beside them
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, (int, float)) and not name.endswith('time')
    }


def main(argv: Optional[List[str]] = None) -> Dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dirs', nargs='+', help='of each test')
    work_dirs = parser.parse_args(argv).work_dirs
    runs = [metrics_of(path) for path in work_dirs]
    for path, run in zip(work_dirs, runs):
        other = sorted(set(runs[0]) ^ set(run))
        if other:
            raise SystemExit(f'{path} and {work_dirs[0]} do not have the same '
                             f'metrics: {", ".join(other)}.')
    means = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        means[name] = statistics.mean(values)
        print(f'{name:<32}{means[name]:>9.4f}  from {min(values):.4f} to '
              f'{max(values):.4f}')
    return means


if __name__ == '__main__':
    main()
