# Copyright (c) mmevad authors. All rights reserved.
"""Turn the official text annotations of THUMOS14 into ActivityNet's JSON."""

import argparse
import csv
import glob
import io
import os.path as osp
import sys
from typing import Dict, List, Optional, Sequence, Tuple

import cv2

from mmevad.datasets.segment_annotations import check_database
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.packed_file import read_lines, read_text
from mmevad.utils.segment_database import write_database

SUBSETS = {'val': 'Validation', 'test': 'Test'}
VIDEO_ENDINGS = ('.mp4', '.avi', '.mkv', '.webm')


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'annotations',
        help='folder that holds annotation_val/ and annotation_test/, or '
        'one of them')
    parser.add_argument('--out', required=True, help='JSON file to write')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        '--durations', help='CSV file with columns video,duration,fps')
    source.add_argument(
        '--videos', help='folder of the videos, to be measured')
    return parser.parse_args(argv)


def read_annotations(folder: str) -> Dict[str, Tuple[str, List[tuple]]]:
    """Subset and (class name, start, end) of each video.

    Rows of ``Ambiguous_*.txt`` are no actions and are left out.

    Raises:
        DataError: If there are no files or a row has another form.
    """
    videos: Dict[str, Tuple[str, List[tuple]]] = {}
    files = sorted(
        glob.glob(osp.join(folder, 'annotation_*', '*_*.txt')) +
        glob.glob(osp.join(folder, '*_*.txt')))
    for path in files:
        label, _, part = osp.basename(path)[:-4].rpartition('_')
        if part not in SUBSETS or label == 'Ambiguous':
            continue
        lines = read_lines(path, 'download the annotations again')
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                video, start, end = line.split()
                row = (label, float(start), float(end))
            except ValueError:
                raise DataError(f'{path}, line {number}: expected '
                                f"'video start end', found "
                                f'{line.strip()!r}; download the '
                                'annotations again.') from None
            subset, rows = videos.setdefault(video, (SUBSETS[part], []))
            if subset != SUBSETS[part]:
                raise DataError(f'{path}, line {number}: {video} is in '
                                f'subset {subset} elsewhere; download the '
                                'annotations again.')
            rows.append(row)
    if not videos:
        raise DataError(f'{folder} holds no <class>_val.txt or '
                        '<class>_test.txt; give the folder of the official '
                        'annotations.')
    return videos


def read_durations(path: str) -> Dict[str, Tuple[float, float]]:
    """Duration (s) and fps of each video.

    Raises:
        DataError: If a row or column is missing or wrong.
    """
    found: Dict[str, Tuple[float, float]] = {}
    text = io.StringIO(read_text(path, 'correct --durations'), newline='')
    try:
        for number, row in enumerate(csv.DictReader(text), 2):
            video = row['video']
            numbers = float(row['duration']), float(row['fps'])
            if video in found or not all(0 < x < 1e9 for x in numbers):
                raise DataError(
                    f'{path}, line {number}: {video} is there twice, or its '
                    f'duration and fps {numbers} are not positive; correct '
                    'it.')
            found[video] = numbers
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'{path} is no CSV file with the columns video, '
                        f'duration and fps ({error!r}); correct '
                        'it.') from error
    return found


def measure_videos(folder: str,
                   names: Sequence[str]) -> Dict[str, Tuple[float, float]]:
    """Duration (s) and fps of the videos that are there."""
    found = {}
    for name in names:
        paths = [osp.join(folder, name + x) for x in VIDEO_ENDINGS]
        path = next(filter(osp.isfile, paths), None)
        if path is None:
            continue
        reader = cv2.VideoCapture(path)
        fps = reader.get(cv2.CAP_PROP_FPS)
        frames = reader.get(cv2.CAP_PROP_FRAME_COUNT)
        reader.release()
        if not (fps > 0 and frames > 0):
            raise DataError(f'{path} cannot be read; download it again.')
        found[name] = (frames / fps, fps)
    return found


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    videos = read_annotations(args.annotations)
    if args.durations:
        lengths = read_durations(args.durations)
    else:
        lengths = measure_videos(args.videos, sorted(videos))
    raise_data_errors([
        f'{args.durations or args.videos} lacks video {name}; complete it.'
        for name in sorted(videos) if name not in lengths
    ])
    classes = sorted({row[0] for _, rows in videos.values() for row in rows})
    database = {}
    for name in sorted(videos):
        subset, rows = videos[name]
        database[name] = dict(
            subset=subset,
            duration=lengths[name][0],
            fps=lengths[name][1],
            annotations=[
                dict(
                    segment=[start, end],
                    label=label,
                    label_id=classes.index(label))
                for label, start, end in rows
            ])
    check_database(database, args.annotations)
    print(write_database(args.out, database, classes))


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
