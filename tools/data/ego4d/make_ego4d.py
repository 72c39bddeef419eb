# Copyright (c) mmevad authors. All rights reserved.
"""Turn Ego4D's Moments Queries annotations into ActivityNet's JSON, by clip.

With features, also cuts the rows of each clip out of those of its video.
"""

import argparse
import os
import os.path as osp
import sys
from typing import Any, Dict, Optional, Sequence

import numpy as np
import torch

from mmevad.datasets.segment_features import (FeatureFile, find_missing,
                                              missing_sentence, open_features)
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import read_json
from mmevad.utils.relative_name import name_problem
from mmevad.utils.segment_database import write_database

SUBSETS = {'train': 'training', 'val': 'validation', 'test': 'testing'}
FPS = 30


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        'annotations', nargs='+', help='moments_train.json and so on')
    parser.add_argument('--out', required=True, help='folder to write into')
    parser.add_argument(
        '--features', help='folder with <video_uid>.pt of whole videos')
    parser.add_argument(
        '--stride',
        type=int,
        default=16,
        help='frames from one feature to the next')
    return parser.parse_args(argv)


def read_clips(path: str) -> Dict[str, dict]:
    """Entries of the clips; only labels that are primary count.

    ``video`` and ``start`` (s) say where a clip is from.

    Raises:
        DataError: If the file has another form.
    """
    clips: Dict[str, dict] = {}
    for number, video in enumerate(_list(read_json(path), 'videos', path)):
        place = f'{path}, videos[{number}]'
        place = f'{path}, video {_get(video, "video_uid", place, str)}'
        subset = SUBSETS.get(_get(video, 'split', place, str))
        if subset is None:
            raise DataError(f'{place}: "split" is {video["split"]!r}, which '
                            f'is none of {", ".join(SUBSETS)}; correct it.')
        for clip in _list(video, 'clips', place):
            name = _get(clip, 'clip_uid', place, str)
            place = f'{path}, clip {name}'
            if name in clips:
                raise DataError(f'{place} is there twice; download the file '
                                'again.')
            start = _number(clip, 'video_start_sec', place)
            clips[name] = dict(
                subset=subset,
                duration=_number(clip, 'video_end_sec', place) - start,
                fps=FPS,
                video=_get(video, 'video_uid', place, str),
                start=start,
                annotations=[
                    dict(
                        segment=[
                            _number(row, 'start_time', place),
                            _number(row, 'end_time', place)
                        ],
                        label=_get(row, 'label', place, str))
                    for annotator in _list(clip, 'annotations', place, [])
                    for row in _list(annotator, 'labels', place)
                    if _get(row, 'primary', place, bool)
                ])
    raise_data_errors([
        f'{path}, clip {name}: the name {text!r} {name_problem(text)}.'
        for name, clip in clips.items() for text in (name, clip['video'])
        if name_problem(text)
    ])
    return clips


def _get(entry: Any, key: str, place: str, kind: Any = object) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get(key), kind):
        found = entry.get(key) if isinstance(entry, dict) else entry
        raise DataError(f'{place}: there is no "{key}", or it is '
                        f'{str(found)[:60]!r}; give the official '
                        'moments_train.json, moments_val.json or '
                        'moments_test_unannotated.json.')
    return entry[key]


def _list(entry: Any, key: str, place: str, default: Any = None) -> list:
    if default is not None and isinstance(entry, dict) and key not in entry:
        return default
    return _get(entry, key, place, list)


def _number(entry: Any, key: str, place: str) -> float:
    found = _get(entry, key, place, (int, float))
    if isinstance(found, bool) or not -1e9 < found < 1e9:
        raise DataError(f'{place}: "{key}" is {found}; give the official '
                        'file.')
    return found


def cut_features(clips: Dict[str, dict], folder: str, out: str,
                 stride: int) -> None:
    """Write the rows of each clip, the nearest to its start and end.

    Raises:
        DataError: If a video's file is missing or ends before a clip.
    """
    files = {
        name: FeatureFile(osp.join(folder, f'{clip["video"]}.pt'))
        for name, clip in clips.items()
    }
    raise_data_errors([
        missing_sentence(file)
        for file in find_missing(list(dict.fromkeys(files.values())))
    ])
    os.makedirs(out, exist_ok=True)
    for name, clip in clips.items():
        features = open_features(files[name])
        first = round(clip['start'] * FPS / stride)
        last = round((clip['start'] + clip['duration']) * FPS / stride)
        if first >= features.shape[0]:
            raise DataError(f'{files[name]} has {features.shape[0]} rows, '
                            f'but clip {name} starts at row {first}; '
                            'correct --stride or download it again.')
        rows = torch.from_numpy(np.array(features[first:last]))
        torch.save(rows, osp.join(out, f'{name}.pt'))


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    clips: Dict[str, dict] = {}
    for path in args.annotations:
        found = read_clips(path)
        twice = sorted(clips.keys() & found.keys())
        if twice:
            raise DataError(f'{path}, clip {twice[0]} is in another of the '
                            'files, too; give each file once.')
        clips.update(found)
    if args.features:
        cut_features(clips, args.features,
                     osp.join(args.out, 'slowfast_features'), args.stride)
    rows = [row for clip in clips.values() for row in clip['annotations']]
    classes = sorted({row['label'] for row in rows})
    for row in rows:
        row['label_id'] = classes.index(row['label'])
    for clip in clips.values():
        del clip['video'], clip['start']
    print(
        write_database(
            osp.join(args.out, 'annotations', 'moment_queries.json'), clips,
            classes))


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
