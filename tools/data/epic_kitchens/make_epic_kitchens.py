# Copyright (c) mmevad authors. All rights reserved.
"""Turn the CSV files of EPIC-KITCHENS-100 into ActivityNet's JSON.

Writes OUT/verb.json and OUT/noun.json.
"""

import argparse
import csv
import io
import os.path as osp
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from mmevad.datasets.segment_annotations import check_database
from mmevad.utils.errors import DataError
from mmevad.utils.packed_file import read_text
from mmevad.utils.segment_database import write_database

SUBSETS = {'train': 'training', 'validation': 'validation'}


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'folder', help='folder with EPIC_100_train.csv and the others')
    parser.add_argument('--out', required=True, help='folder to write into')
    parser.add_argument(
        '--parts',
        nargs='+',
        choices=list(SUBSETS),
        default=list(SUBSETS),
        help='annotation files to read')
    return parser.parse_args(argv)


def read_rows(path: str, columns: Sequence[str]) -> List[Dict[str, str]]:
    """Rows of a CSV file.

    Raises:
        DataError: If it is missing or lacks a column.
    """
    if not osp.isfile(path):
        raise DataError(f'{path} does not exist; download it from '
                        'epic-kitchens/epic-kitchens-100-annotations.')
    text = io.StringIO(read_text(path, 'download it again'), newline='')
    try:
        rows = list(csv.DictReader(text))
    except csv.Error as error:
        raise DataError(f'{path} is no table ({error}); download it '
                        'again.') from error
    for number, row in enumerate(rows, 2):
        absent = [x for x in columns if not row.get(x)]
        if absent:
            raise DataError(f'{path}, line {number} has no {absent[0]}; '
                            'download it again.')
    return rows


def read_classes(path: str) -> List[str]:
    """Names by id.

    Raises:
        DataError: If ids do not count from 0.
    """
    rows = read_rows(path, ('id', 'key'))
    if [row['id'] for row in rows] != [str(x) for x in range(len(rows))]:
        raise DataError(f'{path}: the ids do not count from 0; download it '
                        'again.')
    return [row['key'] for row in rows]


def seconds(text: str) -> float:
    """'01:02:03.45' -> 3723.45."""
    hours, minutes, rest = text.split(':')
    found = round(3600 * int(hours) + 60 * int(minutes) + float(rest), 3)
    if not 0 <= found < 1e6:
        raise ValueError(text)
    return found


def positive(text: str) -> float:
    """A number above 0."""
    found = float(text)
    if not 0 < found < 1e6:
        raise ValueError(text)
    return found


def read_infos(path: str) -> Dict[str, Tuple[float, float]]:
    """Duration (s) and frame rate of each video.

    Raises:
        DataError: If a row is wrong, or a video there twice.
    """
    found: Dict[str, Tuple[float, float]] = {}
    rows = read_rows(path, ('video_id', 'duration', 'fps'))
    for number, row in enumerate(rows, 2):
        video = row['video_id']
        try:
            info = positive(row['duration']), positive(row['fps'])
        except ValueError as error:
            raise DataError(f'{path}, line {number}: {str(error)!r} is no '
                            'duration or fps; download it again.') from None
        if video in found:
            raise DataError(f'{path}, line {number}: the video {video} is '
                            'there twice; download it again.')
        found[video] = info
    return found


def read_videos(folder: str, parts: Sequence[str], kind: str,
                classes: Sequence[str]) -> Dict[str, dict]:
    """Entries of the videos, with labels of one kind ('verb' or 'noun').

    Raises:
        DataError: If a file is missing or wrong.
    """
    infos = read_infos(osp.join(folder, 'EPIC_100_video_info.csv'))
    columns = ('video_id', 'start_timestamp', 'stop_timestamp',
               f'{kind}_class')
    names = dict(enumerate(classes))
    database: Dict[str, dict] = {}
    for part in parts:
        path = osp.join(folder, f'EPIC_100_{part}.csv')
        for number, row in enumerate(read_rows(path, columns), 2):
            video = row['video_id']
            try:
                label_id = int(row[f'{kind}_class'])
                label = names[label_id]
                segment = [seconds(row[x]) for x in columns[1:3]]
                info = infos[video]
            except (IndexError, KeyError, ValueError) as error:
                raise DataError(
                    f'{path}, line {number}: the video is not in '
                    'EPIC_100_video_info.csv, or the times or class are no '
                    f'such ({error!r}); download the files '
                    'again.') from error
            entry = database.setdefault(
                video,
                dict(
                    subset=SUBSETS[part],
                    duration=info[0],
                    fps=info[1],
                    annotations=[]))
            entry['annotations'].append(
                dict(segment=segment, label=label, label_id=label_id))
        check_database(database, path)
    return database


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    found = {}
    for kind in ('verb', 'noun'):
        classes = read_classes(
            osp.join(args.folder, f'EPIC_100_{kind}_classes.csv'))
        found[kind] = read_videos(args.folder, args.parts, kind,
                                  classes), classes
    for kind, content in found.items(
    ):  # nothing is written before all is read
        print(write_database(osp.join(args.out, f'{kind}.json'), *content))


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
