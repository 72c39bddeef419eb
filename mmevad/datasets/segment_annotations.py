# Copyright (c) mmevad authors. All rights reserved.
"""Annotated segments of each video and their classes, read strictly."""
import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.relative_name import name_problem
from .problems import Problem

# seconds, or frames per second; whole numbers of JSON may have any length
_LARGEST = 1e12


class SegmentVideo(NamedTuple):
    """What the annotation says about one video.

    Attributes:
        name (str): Its name.
        duration (float): Seconds; NaN if the annotation lacks it.
        fps (float): Frames per second; NaN if nothing says it.
        segments (np.ndarray): (N, 2) float64 start and end in seconds.
        labels (np.ndarray): (N,) int64 classes.
        rows (Tuple[int, ...]): Number of each segment in ``annotations``.
    """

    name: str
    duration: float
    fps: float
    segments: np.ndarray
    labels: np.ndarray
    rows: Tuple[int, ...]


def derive_classes(database: Dict[str, Any], path: str) -> List[str]:
    """Names by number, from the ``label_id`` of all annotations.

    Raises:
        DataError: If annotations lack it, do not agree, or leave out
            numbers.
    """
    names: Dict[int, str] = {}
    numbers: Dict[str, int] = {}
    remedy = 'set metainfo=dict(classes=...) to the names or their file'
    for video, info in database.items():
        rows = info.get('annotations') if isinstance(info, dict) else None
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            if not isinstance(row, dict):
                continue
            name, number = row.get('label'), row.get('label_id')
            if not isinstance(name, str) or not _is_number(number, int):
                raise DataError(
                    f'{path}, video {video}, annotations[{index}] has no '
                    f'"label" with a whole-numbered "label_id"; {remedy}.')
            if (names.setdefault(number, name) != name
                    or numbers.setdefault(name, number) != number):
                raise DataError(
                    f'{path}, video {video}, annotations[{index}]: '
                    f'{name!r} has label_id {number}, elsewhere '
                    f'{names[number]!r} has {number} and {name!r} has '
                    f'{numbers.get(name, number)}; correct it.')
    absent = [x for x in range(len(names)) if x not in names]
    if absent or not names:
        what = (f'leave out {absent[0]}' if absent and min(names) >= 0 else
                'do not count from 0' if names else 'do not occur')
        raise DataError(f'{path}: the label_ids of all videos {what}; '
                        f'{remedy}.')
    return [names[number] for number in range(len(names))]


def parse_video(
        name: str,
        info: Any,
        path: str,
        classes: Optional[Sequence[str]],
        fps: Optional[float] = None,
        default_fps: Optional[float] = None
) -> Tuple[SegmentVideo, List[Problem]]:
    """Read one entry of ``database``; wrong annotations are left out.

    Args:
        name (str): Name of the video.
        info (Any): Its entry.
        path (str): The file, for messages.
        classes (Sequence[str], optional): Names by number. If None, labels
            are not looked at and all are 0.
        fps (float, optional): Used instead of the entry's.
        default_fps (float, optional): Used where the entry has none.

    Returns:
        Tuple[SegmentVideo, List[Problem]]: The video and what is wrong.
    """
    place = f'{path}, video {name}'
    problems: List[Problem] = []

    def report(kind: str, message: str) -> None:
        problems.append(Problem(name, kind, message))

    if not isinstance(info, dict):
        report(
            'malformed annotation', f'{place}: the entry is no object with '
            'subset, duration and annotations; correct it.')
        info = dict(duration=math.nan, fps=math.nan)
    duration = info.get('duration')
    if not problems and not _is_positive(duration):
        report(
            'missing duration', f'{place}: "duration" is {duration!r}, which '
            'is no positive number of seconds; add it.')
        duration = math.nan
    if fps is None:
        fps = info.get('fps', default_fps)
        if not problems and fps is None:
            report(
                'missing fps', f'{place}: there is no "fps"; add it, or set '
                'default_fps of the dataset.')
        elif not problems and not _is_positive(fps):
            report(
                'missing fps',
                f'{place}: "fps" is {fps!r}, no positive number; '
                'correct it.')
    annotations = info.get('annotations')
    annotations = [] if annotations is None else annotations
    if not isinstance(annotations, list):
        report('malformed annotation',
               f'{place}: "annotations" is no list; correct it.')
        annotations = []
    unusable = name_problem(name)
    if unusable:
        report('unusable name',
               f'{path}: the name of video {name!r} {unusable}.')
    kept = []
    for index, row in enumerate(annotations):
        where = f'{place}, annotations[{index}]'
        segment = _segment_of(row)
        if segment is None:
            report(
                'malformed annotation', f'{where}: {row!r} has no "segment" '
                '[start, end] of two numbers; correct it.')
            continue
        label, wrong = _label_of(row, classes)
        if wrong:
            report('unknown label', f'{where}: {wrong}')
            continue
        kept.append((index, label, *segment))
    columns = np.array(kept, dtype=np.float64).reshape(-1, 4)
    video = SegmentVideo(name, float(duration),
                         float(fps) if _is_positive(fps) else math.nan,
                         columns[:, 2:], columns[:, 1].astype(np.int64),
                         tuple(row[0] for row in kept))
    return video, problems


def check_database(database: Dict[str, Any], path: str) -> None:
    """Raise for what no program can mend: entries of another form.

    Frame rates, durations and classes may come later, but not be wrong.

    Args:
        database (dict): Entry of each video.
        path (str): Where it is from, for messages.

    Raises:
        DataError: Names the first five.
    """
    raise_data_errors([
        problem.message for name, info in database.items()
        for problem in parse_video(name, info, path, None)[1]
        if not _comes_later(problem, info)
    ])


def _comes_later(problem: Problem, info: Any) -> bool:
    """Whether it is about a number that is not there at all."""
    keys = {'missing duration': 'duration', 'missing fps': 'fps'}
    key = keys.get(problem.kind)
    return key is not None and info.get(key) is None


def _is_number(value: Any, kind=(int, float)) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and 0 < value < _LARGEST


def _segment_of(row: Any) -> Optional[Tuple[float, float]]:
    """Start and end, None if they are no two finite numbers."""
    segment = row.get('segment') if isinstance(row, dict) else None
    if not isinstance(segment, list) or len(segment) != 2:
        return None
    # NaN compares as False
    if not all(_is_number(x) and -_LARGEST < x < _LARGEST for x in segment):
        return None
    return float(segment[0]), float(segment[1])


def _label_of(row: dict, classes: Optional[Sequence[str]]) -> Tuple[int, str]:
    """Class of an annotation and, if it is wrong, a sentence about it."""
    if classes is None:
        return 0, ''
    name, number = row.get('label'), row.get('label_id')
    if number is None:
        if name in classes:
            return classes.index(name), ''
        return 0, (f'the label {name!r} is none of the {len(classes)} '
                   'classes; correct it or the classes.')
    if not _is_number(number, int) or not 0 <= number < len(classes):
        return 0, (f'the label {name!r} has label_id {number!r}, which is '
                   f'none of the {len(classes)} classes; correct it or the '
                   'classes.')
    if name is not None and name != classes[number]:
        return 0, (f'the label {name!r} has label_id {number}, but class '
                   f'{number} is {classes[number]!r}; correct it or the '
                   'classes.')
    return number, ''
