# Copyright (c) mmevad authors. All rights reserved.
"""Turn the SBHAR (UCI HAPT) accelerometer signals into a segment dataset.

Writes OUT/features/sbj_<n>.npy, one row of 150 numbers per half second, and
OUT/sbhar.json in ActivityNet's form.
"""

import argparse
import os
import os.path as osp
import re
import sys
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError
from mmevad.utils.npz_file import read_npz
from mmevad.utils.segment_database import write_database

FREQUENCY = 50  # samples per second
WINDOW, STRIDE = 50, 25  # samples
# numbered from 1 in labels.txt
CLASSES = ('walking', 'walking_upstairs', 'walking_downstairs', 'sitting',
           'standing', 'lying', 'stand-to-sit', 'sit-to-stand', 'sit-to-lie',
           'lie-to-sit', 'stand-to-lie', 'lie-to-stand')
# the release's own split
TEST_USERS = (2, 4, 9, 10, 12, 13, 18, 20, 24)


class Experiment(NamedTuple):
    """One recording of one person.

    Attributes:
        number (int): Number of the experiment.
        user (int): Number of the person.
        signal (np.ndarray): (N, 3) acceleration in g.
    """

    number: int
    user: int
    signal: np.ndarray


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        'source',
        help='folder RawData of the release, or an .npz file with int16 '
        'arrays exp<n>_user<n>_acc and their acc_scale')
    parser.add_argument('--out', default='data/sbhar', help='folder to write')
    parser.add_argument(
        '--labels', help='labels.txt; the one beside the signals if left out')
    parser.add_argument(
        '--val-users',
        type=int,
        nargs='+',
        default=TEST_USERS,
        help='people who are subset Validation')
    return parser.parse_args(argv)


def read_signals(source: str) -> List[Experiment]:
    """All experiments by number.

    Args:
        source (str): Folder with ``acc_exp01_user01.txt`` and so on, or
            .npz file.

    Raises:
        DataError: If there are none, or one is no matrix of three columns.
    """
    found = []
    if osp.isdir(source):
        for name in os.listdir(source):
            match = re.fullmatch(r'acc_exp(\d+)_user(\d+)\.txt', name)
            if match:
                path = osp.join(source, name)
                found.append((match, path, _read_text(path)))
    elif osp.isfile(source):
        arrays = read_npz(source)
        scale = arrays.get('acc_scale', np.empty(0))
        if scale.size != 1 or scale.dtype.kind not in 'iuf':
            raise DataError(f'{source} has no number "acc_scale"; download '
                            'it again.')
        for name, array in arrays.items():
            match = re.fullmatch(r'exp(\d+)_user(\d+)_acc', name)
            if match and array.dtype.kind in 'iuf':
                found.append((match, f'{source}[{name!r}]', array * scale))
    if not found:
        raise DataError(f'{source} has no signals: it is neither a folder '
                        'with acc_exp01_user01.txt and so on, nor an .npz '
                        'file with exp01_user01_acc and so on.')
    for _, place, signal in found:
        if signal.ndim != 2 or signal.shape[1] != 3 or len(signal) < WINDOW:
            raise DataError(f'{place} has shape {signal.shape}; expected '
                            'three columns and at least one second.')
        if not np.isfinite(signal).all():
            raise DataError(f'{place} has NaN or infinite numbers; download '
                            'the release again.')
    return sorted(
        (Experiment(int(m[1]), int(m[2]), signal) for m, _, signal in found),
        key=lambda x: x.number)


def _read_text(path: str) -> np.ndarray:
    try:
        return np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise DataError(f'{path} is no table of numbers ({error}); download '
                        'the release again.') from error


def read_labels(path: str) -> Dict[int, List[Tuple[int, int, int]]]:
    """Activity (from 1), first and last sample (from 1) by experiment."""
    if not osp.isfile(path):
        raise DataError(f'{path} does not exist; it is in RawData of the '
                        'release: give its place with --labels.')
    rows: Dict[int, List[Tuple[int, int, int]]] = {}
    table = _read_text(path)
    if table.shape[1] != 5 or not (np.abs(table) < 2**31).all() or (
            table != np.floor(table)).any():
        raise DataError(f'{path} is no table of five whole numbers per line; '
                        'download the release again.')
    for experiment, _, activity, first, last in table.astype(int):
        if not 1 <= activity <= len(CLASSES):
            raise DataError(f'{path}: experiment {experiment} has activity '
                            f'{activity}; expected 1 to {len(CLASSES)}.')
        rows.setdefault(int(experiment), []).append(
            (int(activity), int(first), int(last)))
    return rows


def make_features(signal: np.ndarray) -> np.ndarray:
    """Windows of a second, half a second apart, axis after axis.

    Args:
        signal (np.ndarray): (N, 3) samples.

    Returns:
        np.ndarray: (T, 150) float32.
    """
    windows = np.lib.stride_tricks.sliding_window_view(
        signal, WINDOW, axis=0)[::STRIDE]
    return windows.reshape(len(windows), -1).astype(np.float32)


def annotate(experiments: Sequence[Experiment],
             labels: Dict[int, List[Tuple[int, int,
                                          int]]], subset: str) -> dict:
    """Entry of a person whose experiments lie one after the other."""
    annotations, offset = [], 0
    for experiment in experiments:
        for activity, first, last in labels.get(experiment.number, []):
            if not 1 <= first <= last <= len(experiment.signal):
                raise DataError(
                    f'labels.txt, experiment {experiment.number}: samples '
                    f'{first} to {last} are not within 1 to '
                    f'{len(experiment.signal)}; download the release again.')
            annotations.append(
                dict(
                    segment=[(offset + first - 1) / FREQUENCY,
                             (offset + last) / FREQUENCY],
                    label=CLASSES[activity - 1],
                    label_id=activity - 1))
        offset += len(experiment.signal)
    return dict(
        subset=subset,
        duration=offset / FREQUENCY,
        fps=FREQUENCY,
        annotations=annotations)


def write_dataset(folder: str, experiments: Sequence[Experiment],
                  labels: Dict[int, List[Tuple[int, int, int]]],
                  val_users: Sequence[int]) -> None:
    """Write the features and, last, the annotation."""
    users = sorted({experiment.user for experiment in experiments})
    absent = set(val_users) - set(users)
    if absent:
        raise DataError(f'--val-users: there is no person {min(absent)}, but '
                        f'{users}.')
    database = {}
    features = {}
    for user in users:
        name = f'sbj_{user - 1}'
        own = [x for x in experiments if x.user == user]
        subset = 'Validation' if user in val_users else 'Training'
        database[name] = annotate(own, labels, subset)
        signal = np.concatenate([x.signal for x in own])
        features[name] = make_features(signal)
    os.makedirs(osp.join(folder, 'features'), exist_ok=True)
    for name, rows in features.items():
        np.save(osp.join(folder, 'features', f'{name}.npy'), rows)
    print(write_database(osp.join(folder, 'sbhar.json'), database, CLASSES))


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    folder = (
        args.source if osp.isdir(args.source) else osp.dirname(args.source))
    labels = read_labels(args.labels or osp.join(folder, 'labels.txt'))
    experiments = read_signals(args.source)
    write_dataset(args.out, experiments, labels, args.val_users)


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
