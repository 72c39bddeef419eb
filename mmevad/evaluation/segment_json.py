# Copyright (c) mmevad authors. All rights reserved.
"""Ground truth and detections in ActivityNet's JSON.

Ground truth is ``{'database': {video: {'subset': ..., 'annotations':
[{'segment': [start, end], 'label': name, 'label_id': number}]}}, 'classes':
[names by number]}``, or the dict of videos alone. Detections are
``{'version': ..., 'results': {video: [{'label': name, 'score': ...,
'segment': [start, end]}]}, 'external_data': {}}``. Segments are in seconds;
``label_id`` and ``classes`` are optional. A path that ends in '.gz' is
unpacked.
"""
import math
from typing import (Any, Dict, List, NamedTuple, Optional, Sequence, Tuple,
                    Union)

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import read_json, write_json
from mmevad.utils.segment_database import classes_of, select_subset
from .segment_checks import find_bad_rows, number_classes, number_names
from .segment_map import Segments

# whole numbers of JSON may have any length
_LARGEST = 2**53


class GroundTruth(NamedTuple):
    """Annotated segments of a subset.

    Attributes:
        path (str): Where they are from, for messages.
        videos (dict): Number of each video by name.
        label_ids (dict): Number of each class by name; several names may
            share one, like the verbs of EPIC-Kitchens.
        numbered (bool): Whether these numbers are the file's or the
            dataset's, not made up from sorted names.
        segments (Segments): All segments.
    """

    path: str
    videos: Dict[str, int]
    label_ids: Dict[str, int]
    numbered: bool
    segments: Segments

    @property
    def names(self) -> Dict[int, str]:
        """The first name of each class by number."""
        pairs = reversed(list(self.label_ids.items()))
        return {number: name for name, number in pairs}


def read_ground_truth(path: str,
                      subset: Union[str, Sequence[str], None] = None,
                      classes: Optional[Sequence[str]] = None) -> GroundTruth:
    """Read the annotated segments of a subset.

    Args:
        path (str): JSON file.
        subset (str | Sequence[str], optional): One or more subsets, in any
            case. Defaults to None, which means all videos.
        classes (Sequence[str], optional): Names in the order of the model's
            labels. Needed to number the classes of a file without
            ``label_id``, with which they must agree. Defaults to None,
            which means ``classes`` of the file, else sorted names.

    Returns:
        GroundTruth: Videos of the subset, without annotations too.

    Raises:
        DataError: If the file is missing or malformed, numbers a class
            twice, or has no annotation in the subset.
    """
    data = read_json(path)
    database = data.get('database', data)
    if classes is None and database is not data:
        classes = classes_of(data, path)
    _expect(
        isinstance(database, dict), path, '"database"',
        'is no object; it maps each video to its annotations')
    if isinstance(subset, str):
        subset = [subset]
    videos, rows, problems = {}, [], []
    for video, info in select_subset(database, path, subset).items():
        place = f'{path}, video {video}'
        _expect(
            isinstance(info, dict), path, f'video {video}',
            'is no object with subset and annotations')
        annotations = info.get('annotations')
        annotations = [] if annotations is None else annotations
        _expect(
            isinstance(annotations, list), path,
            f'video {video}: "annotations"', 'is no list')
        videos[video] = len(videos)
        for number, row in enumerate(annotations):
            try:
                rows.append(
                    (videos[video], *_class_of(row), *_floats(row['segment'])))
            except (AttributeError, KeyError, TypeError, ValueError):
                problems.append(
                    f'{place}, annotations[{number}]: {row!r} needs a '
                    '"segment" [start, end] and a "label"; correct it.')
    raise_data_errors(problems)
    _expect(rows, path, f'subset {subset}', 'has no annotations')
    columns = list(zip(*rows))
    label_ids = number_classes(path, columns[1], columns[2], classes)
    numbered = classes is not None or columns[2][0] is not None
    labels = np.array([label_ids[name] for name in columns[1]])
    segments = np.array(columns[3:], dtype=np.float64).T
    names = list(videos)
    raise_data_errors(
        find_bad_rows(
            segments, lambda row: f'{path}, video {names[columns[0][row]]}, '
            f'a segment of {columns[1][row]}'))
    return GroundTruth(path, videos, label_ids, numbered,
                       Segments(np.array(columns[0]), labels, segments))


def read_results(path: str, truth: GroundTruth, prefix: str = '') -> Segments:
    """Read detections, numbered like a ground truth.

    A class goes by its ``label_id`` if both files have it, else by its
    ``label``.

    Args:
        path (str): JSON file.
        truth (GroundTruth): Gives the numbers of videos and classes;
            others get new numbers.
        prefix (str): Put before the name of each video, for example 'v_'.
            Defaults to ''.

    Returns:
        Segments: Detections in the order of the file.

    Raises:
        DataError: If the file is missing or malformed, its classes are
            numbered in another way than the ground truth's, a score is not
            finite, or a segment ends before it starts.
    """
    data = read_json(path)
    results = data.get('results')
    _expect(
        isinstance(results, dict), path, '"results"',
        'is no object; it maps each video to its detections')
    rows, places, problems = [], [], []
    for video, detections in results.items():
        _expect(
            isinstance(detections, list), path, f'results[{video!r}]',
            'is no list of detections')
        for number, row in enumerate(detections):
            try:
                rows.append(
                    (prefix + video, *_class_of(row), *_floats(row['segment']),
                     _float(row['score'])))
                places.append((video, number))
            except (AttributeError, KeyError, TypeError, ValueError):
                problems.append(
                    f'{path}, results[{video!r}][{number}]: {row!r} needs a '
                    '"segment" [start, end], a "label" and a "score"; '
                    'correct it.')
    raise_data_errors(problems)
    names, labels, ids, *numbers = zip(*rows) if rows else [()] * 6
    start, end, scores = np.array(numbers, dtype=np.float64).reshape(3, -1)
    segments = np.stack([start, end], axis=1)
    raise_data_errors(
        find_bad_rows(
            segments,
            lambda row: '{}, results[{!r}][{}]'.format(path, *places[row]),
            scores))
    return Segments(
        number_names(names, truth.videos),
        _number_labels(path, labels, ids, truth), segments, scores)


def write_results(path: str, results: Dict[str, List[dict]]) -> None:
    """Write detections; the file appears when it is complete.

    Args:
        path (str): JSON file; its folder is made if needed.
        results (dict): For each video a list of ``dict(label, label_id,
            score, segment)``.

    Raises:
        ValueError: If a number is not finite.
    """
    write_json(path,
               dict(version='VERSION 1.3', results=results, external_data={}))


def _expect(condition: Any, path: str, what: str, problem: str) -> None:
    if not condition:
        raise DataError(f'{path}: {what} {problem}.')


def _floats(segment: Sequence[float]) -> List[float]:
    if not isinstance(segment, list):
        raise TypeError
    start, end = segment
    return [_float(start), _float(end)]


def _float(value: Any) -> float:
    """A number; infinity and NaN are looked for later."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return math.inf if abs(value) >= _LARGEST else float(value)


def _class_of(row: dict) -> Tuple[str, Optional[int]]:
    """Name and number of a class; the name is the number if it has none."""
    number = row.get('label_id')
    name = row['label'] if number is None else row.get('label', str(number))
    if not isinstance(name, str) or isinstance(
            number, bool) or not isinstance(number, (int, type(None))):
        raise TypeError
    if number is not None and not 0 <= number < _LARGEST:
        raise ValueError
    return name, number


def _number_labels(path: str, names: Sequence[str],
                   numbers: Sequence[Optional[int]],
                   truth: GroundTruth) -> np.ndarray:
    """(N,) class of each detection."""
    known = dict(truth.label_ids)
    for name, number in dict.fromkeys(zip(names, numbers)):
        if number is None or not truth.numbered:
            continue
        other = known.setdefault(name, number)
        if other != number:
            raise DataError(f'{path}: {name!r} has label_id {number}, but '
                            f'{other} in {truth.path}; correct one of them.')
    return number_names(names, known)
