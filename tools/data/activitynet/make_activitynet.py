# Copyright (c) mmevad authors. All rights reserved.
"""Add to ActivityNet annotations what training needs: subset, fps, label_id.

Reads the official JSON, or the pair of JSON and CSV that BSN and mmaction2
use.
"""

import argparse
import csv
import sys
from typing import Any, Dict, List, Optional, Sequence

from mmevad.datasets.segment_annotations import check_database
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json
from mmevad.utils.packed_file import read_lines
from mmevad.utils.segment_database import write_database


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'annotations',
        help='activity_net.v1-3.min.json or anet_anno_action.json, may be '
        'packed as .gz')
    parser.add_argument(
        '--video-info',
        help='video_info_new.csv, which anet_anno_action.json needs; may be '
        'packed as .gz')
    parser.add_argument(
        '--classes',
        help='file with one name per line that sets the order of label_id, '
        'a first line "action" is passed over; sorted names if left out')
    parser.add_argument('--out', required=True, help='JSON file to write')
    return parser.parse_args(argv)


def read_pair(content: Dict[str, Any], path: str,
              info_path: Optional[str]) -> Dict[str, dict]:
    """Entries from BSN's pair of files.

    ``fps`` is the frames of a video over its seconds.

    Raises:
        DataError: If a file lacks a column, or the JSON a video.
    """
    if info_path is None:
        raise DataError(f'{path} has no "database" and no subsets; give the '
                        'CSV file beside it with --video-info.')
    database: Dict[str, dict] = {}
    for number, row in enumerate(_rows(info_path), 2):
        place = f'{info_path}, line {number}'
        try:
            video, subset, fps = row['video'], row['subset'], row['rfps']
            fps = float(fps)
            if not 0 < fps < 1e6:
                raise ValueError(fps)
        except (KeyError, TypeError, ValueError):
            raise DataError(f'{place}: there is no video, subset and number '
                            'rfps above 0; download the file again.') from None
        entry = content.get(video)
        if video in database:
            raise DataError(f'{place}: the video {video} is there twice; '
                            'download the file again.')
        try:
            database[video] = dict(
                subset=subset,
                duration=entry['duration_second'],
                fps=fps,
                annotations=entry['annotations'])
        except (KeyError, TypeError):
            raise DataError(f'{path}, video {video}: there is no '
                            '"duration_second" and "annotations", which '
                            f'{place} asks for; the files do not belong '
                            'together.') from None
    others = len(content) - len(database)
    if others:
        print(f'{path}: {others} videos are not in {info_path} and are left '
              'out')
    return database


def _rows(path: str) -> List[Dict[str, str]]:
    try:
        return list(csv.DictReader(read_lines(path, 'correct --video-info')))
    except csv.Error as error:
        raise DataError(f'{path} is no table ({error}); download it '
                        'again.') from error


def number_labels(database: Dict[str, dict], path: str,
                  classes: Optional[Sequence[str]]) -> List[str]:
    """Keep segment, label and label_id of the annotations, in place.

    Returns:
        List[str]: Names by number.

    Raises:
        DataError: If an annotation has none of the classes.
    """
    check_database(database, path)
    rows = [(video, row) for video, entry in database.items()
            for row in entry.get('annotations') or []]
    for video, row in rows:
        if not isinstance(row.get('label'), str):
            raise DataError(f'{path}, video {video}: {row!r} has no "label"; '
                            'download it again.')
    if classes is None:
        classes = sorted({row['label'] for _, row in rows})
    numbers = {name: number for number, name in enumerate(classes)}
    for video, row in rows:
        if row['label'] not in numbers:
            raise DataError(f'{path}, video {video}: {row["label"]!r} is '
                            f'none of the {len(classes)} classes; correct '
                            '--classes.')
    for entry in database.values():
        entry['annotations'] = [
            dict(
                segment=row['segment'],
                label=row['label'],
                label_id=numbers[row['label']])
            for row in entry.get('annotations') or []
        ]
    return list(classes)


def _entries(content: Dict[str, Any], path: str) -> Dict[str, dict]:
    database = content['database']
    if not isinstance(database, dict) or not all(
            isinstance(entry, dict) for entry in database.values()):
        raise DataError(f'{path}: "database" does not map each video to its '
                        'entry; download it again.')
    return database


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    content = read_json(args.annotations)
    classes = None
    if args.classes:
        names = read_lines(args.classes, 'correct --classes')
        classes = [x for x in names[names[:1] == ['action']:] if x]
    if 'database' in content:
        content = dict(content, database=_entries(content, args.annotations))
        keys = ('subset', 'duration', 'fps', 'annotations')
        database = {
            video: {
                key: entry[key]
                for key in keys if key in entry
            }
            for video, entry in content['database'].items()
        }
    else:
        database = read_pair(content, args.annotations, args.video_info)
    classes = number_labels(database, args.annotations, classes)
    print(write_database(args.out, database, classes))


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
