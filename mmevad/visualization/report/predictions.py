# Copyright (c) mmevad authors. All rights reserved.
"""Predictions of demos and tests, in JSON -> videos."""
import math
import os.path as osp
from typing import Any, Callable, Dict, List, Optional

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json
from mmevad.utils.video_reader import VIDEO_ENDINGS
from .content import Person, ReportKeyframe, ReportSegment, ReportVideo
from .run_folder import is_result


def video_name(file: str) -> str:
    """Name of a video without folders and the ending of a video file."""
    base = osp.basename(osp.normpath(file))
    stem, ending = osp.splitext(base)
    return stem if ending.lower() in VIDEO_ENDINGS else base


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f'{value!r} is no number')
    if not math.isfinite(value):
        raise ValueError(f'{value!r} is not finite')
    return float(value)


def _positive(value: Any) -> float:
    if _number(value) <= 0:
        raise ValueError(f'{value!r} is not above 0')
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r} is no text')
    return value


def _segment(row: dict) -> ReportSegment:
    start, end = (_number(x) for x in row['segment'])
    if end < start:
        raise ValueError(f'the segment {row["segment"]} ends before it starts')
    return ReportSegment(start, end, _text(row['label']),
                         _number(row['score']))


def _person(row: dict, width: float, height: float) -> Person:
    x1, y1, x2, y2 = (_number(x) for x in row['box'])
    actions = [(_text(name), _number(score))
               for name, score in row['actions'].items()]
    return Person((x1 / width, y1 / height, x2 / width, y2 / height),
                  _number(row['person_score']), actions)


def _each(rows: Any, place: str, parse: Callable[[Any], Any]) -> List[Any]:
    """Parse rows; the message of an error names the row."""
    if not isinstance(rows, list):
        raise DataError(f'{place} is no list.')
    parsed = []
    for number, row in enumerate(rows):
        try:
            parsed.append(parse(row))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = (f'{error} is missing'
                    if isinstance(error, KeyError) else error)
            raise DataError(f'{place}[{number}]: {what}; run the demo or the '
                            'test again.') from error
    return parsed


def parse_video(content: Dict, path: str) -> ReportVideo:
    """One video in the form of the demos.

    Args:
        content (dict): As :func:`mmevad.apis.evad_outputs.to_dict` and
            :func:`mmevad.apis.tal_outputs.to_dict` make it.
        path (str): Its file, for messages.

    Raises:
        DataError: If it is malformed; names the row.
    """

    def top(key: str, parse: Callable[[Any], Any]) -> Any:
        try:
            return parse(content[key])
        except (KeyError, TypeError, ValueError) as error:
            reason = ('is missing' if isinstance(error, KeyError) else
                      f'is wrong ({error})')
            raise DataError(f'{path}: "{key}" {reason}; run the demo '
                            'again.') from error

    name = top('video', _text)
    video = ReportVideo(video_name(name), path, fps=top('fps', _positive))
    video.paths = [osp.join(osp.dirname(path), osp.basename(name))]
    if 'segments' in content:
        video.duration = top('duration', _positive)
        video.segments = _each(content['segments'], f'{path}, segments',
                               _segment)
        return video
    video.duration = top('num_frames', _positive) / video.fps
    width, height = top('width', _positive), top('height', _positive)

    def keyframe(row: dict) -> ReportKeyframe:
        people = [_person(actor, width, height) for actor in row['actors']]
        return ReportKeyframe(int(_number(row['frame'])), people)

    video.keyframes = sorted(
        _each(content['keyframes'], f'{path}, keyframes', keyframe),
        key=lambda keyframe: keyframe.frame)
    return video


def parse_results(content: Dict, path: str) -> List[ReportVideo]:
    """Videos of ActivityNet's JSON; these do not know their duration.

    Raises:
        DataError: If it is malformed; names the row.
    """
    results = content['results']
    if not isinstance(results, dict):
        raise DataError(f'{path}: "results" is no object; it maps each video '
                        'to its detections.')
    return [
        ReportVideo(
            name,
            path,
            segments=_each(rows, f'{path}, results[{name!r}]', _segment))
        for name, rows in results.items()
    ]


def read_predictions(
        paths: List[str],
        read_dump: Callable[[str],
                            List[ReportVideo]]) -> Dict[str, ReportVideo]:
    """Videos by name.

    Args:
        paths (list[str]): JSON files and pickles; of two about one video, the
            later counts.
        read_dump (callable): Path of a pickle -> its videos.

    Raises:
        DataError: If one is missing or malformed, or holds no predictions.
    """
    videos: Dict[str, ReportVideo] = {}
    for path in paths:
        if path.lower().endswith(('.pkl', '.pickle')):
            found = read_dump(path)
        else:
            found = _read_json(path)
        videos.update((video.name, video) for video in found)
    return videos


def _read_json(path: str) -> List[ReportVideo]:
    content = read_json(path)
    if not is_result(content):
        raise DataError(f'{path} holds no predictions; give the JSON of a '
                        "demo or of SegmentMAP's option dump, or the .pkl of "
                        'tools/test.py --dump.')
    if 'results' in content:
        return parse_results(content, path)
    return [parse_video(content, path)]


def keep_surest(rows: Optional[List[ReportSegment]],
                count: int) -> Optional[List[ReportSegment]]:
    """At most ``count`` segments, the surest first."""
    if rows is None:
        return None
    return sorted(rows, key=lambda row: -(row.score or 0))[:count]
