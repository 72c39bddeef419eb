# Copyright (c) mmevad authors. All rights reserved.
"""Features of videos in a folder: ``<video>.npy``, and what made them.

``<video>.json`` beside each array says with which settings it was made. It is
written first and both appear whole or not at all, so an array with a record
is complete, also after a crash and with several processes at work.
"""
import math
import os.path as osp
from typing import Any, Dict, Sequence, Tuple

import numpy as np

from mmevad.datasets.segment_annotations import parse_video
from mmevad.utils.atomic_file import atomic_file
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import read_json, write_json
from mmevad.utils.segment_database import read_database

# how far two statements of the frame rate may differ
FPS_TOLERANCE = 0.01


def video_names(paths: Sequence[str]) -> Dict[str, str]:
    """Name -> path; a name is that of the file or folder, without ending.

    Raises:
        DataError: If two videos have the same name.
    """
    names: Dict[str, str] = {}
    for path in paths:
        name = osp.basename(osp.normpath(path))
        name = name if osp.isdir(path) else osp.splitext(name)[0]
        if name in names:
            raise DataError(
                f'{names[name]} and {path} would both be written to '
                f'{name}.npy; rename one, or use another folder for it.')
        names[name] = path
    return names


def is_done(folder: str, name: str, settings: Dict[str, Any]) -> bool:
    """Whether a video has features that were made with these settings.

    Raises:
        DataError: If it has features that were made otherwise.
    """
    array, record = _paths(folder, name)
    if not osp.exists(array):
        return False
    if not osp.exists(record):
        raise DataError(f'{array} has no {name}.json that says how it was '
                        'made; move it away, or use another folder.')
    found = read_json(record).get('settings') or {}
    differ = [
        f'{key} is {found.get(key)!r} there and {settings.get(key)!r} here'
        for key in {
            **found,
            **settings
        } if found.get(key) != settings.get(key)
    ]
    if differ:
        raise DataError(f'{array} was made with other settings '
                        f'({"; ".join(differ)}); use another folder, or '
                        'remove it.')
    return True


def write_features(folder: str, name: str, features: np.ndarray,
                   record: Dict[str, Any]) -> None:
    """Write the features and the record of a video.

    Args:
        folder (str): Made if it is not there.
        name (str): Of the video.
        features (np.ndarray): (T, C) float32.
        record (dict): Content of the JSON file.
    """
    array, path = _paths(folder, name)
    write_json(path, record)
    with atomic_file(array) as file:
        np.save(file, features)


def merge_annotations(folder: str, names: Sequence[str], ann_file: str,
                      out_file: str) -> int:
    """Complete an annotation file in ActivityNet's form for the features.

    Keeps the videos that have features, and gives each the ``fps`` of its
    video, and its ``duration`` where the annotation has none.

    Args:
        folder (str): Of the features.
        names (list[str]): Videos with features.
        ann_file (str): JSON with ``database``.
        out_file (str): File to write.

    Returns:
        int: Number of videos in it.

    Raises:
        DataError: If the file is of another form, has none of the videos,
            or says another frame rate than a video.
    """
    database, _ = read_database(ann_file)
    merged, problems = {}, []
    for name in names:
        if name not in database:
            continue
        record = read_json(_paths(folder, name)[1])
        video, found = parse_video(name, database[name], ann_file, None)
        wrong = [x.message for x in found if x.kind == 'malformed annotation']
        problems += wrong
        if wrong:
            continue
        fps, duration = record['fps'], record['total_frames'] / record['fps']
        if abs(video.fps / fps - 1) > FPS_TOLERANCE:
            problems.append(
                f'{ann_file}, video {name}: "fps" is {video.fps:g}, but the '
                f'video was read at {fps:g}; correct it, or give --fps.')
        if not math.isnan(video.duration):
            duration = video.duration
        merged[name] = dict(database[name], fps=fps, duration=duration)
    if not merged and not problems:
        problems.append(f'{ann_file} has none of the {len(names)} videos; '
                        f'it has names such as {list(database)[:3]}.')
    raise_data_errors(problems)
    write_json(out_file, dict(read_json(ann_file), database=merged))
    return len(merged)


def _paths(folder: str, name: str) -> Tuple[str, str]:
    return osp.join(folder, f'{name}.npy'), osp.join(folder, f'{name}.json')
