# Copyright (c) mmevad authors. All rights reserved.
"""Checks of segments and features; each returns problems and raises none."""
import math
from collections import Counter, defaultdict
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError
from .problems import Problem
from .segment_annotations import SegmentVideo
from .segment_features import (FeatureFile, find_missing, missing_sentence,
                               open_features)

LENGTH_TOLERANCE = 0.02
_CHUNK = 4096  # rows that are looked at together


def check_segments(video: SegmentVideo, path: str) -> List[Problem]:
    """Segments without length, or outside [0, duration].

    Args:
        video (SegmentVideo): Annotation of one video.
        path (str): Its file, for messages.
    """
    problems = []
    for row, (start, end) in zip(video.rows, video.segments.tolist()):
        place = f'{path}, video {video.name}, annotations[{row}]: the segment'
        if start >= end:
            problems.append(
                Problem(
                    video.name, 'empty segment', f'{place} [{start:g}, '
                    f'{end:g}] does not end after its start; correct or '
                    'remove it.'))
        elif start < 0 or end > video.duration:
            problems.append(
                Problem(
                    video.name, 'segment outside video',
                    f'{place} [{start:g}, {end:g}] leaves the video, '
                    f'[0, {video.duration:g}]; correct it or the '
                    'duration.'))
    return problems


def check_missing(files: Dict[str, List[FeatureFile]]) -> List[Problem]:
    """Features that do not exist.

    Args:
        files (dict): For each video the file of each stream.
    """
    owners = {f: name for name, streams in files.items() for f in streams}
    return [
        Problem(owners[file], 'missing features',
                f'Video {owners[file]}: {missing_sentence(file)}')
        for file in find_missing(list(owners))
    ]


def check_features(files: Dict[str, List[FeatureFile]],
                   num_rows: Dict[str, Optional[Tuple[float, float]]],
                   widths: Optional[Sequence[int]] = None) -> List[Problem]:
    """Read all features and check form, width, values and length.

    Args:
        files (dict): For each video the file of each stream.
        num_rows (dict): For each video the range that its number of rows
            must be in, from :func:`expected_rows`; None to skip that.
        widths (Sequence[int], optional): Channels of each stream. Defaults
            to None, which means those of most videos.

    Returns:
        List[Problem]: At most one of each kind for each file.
    """
    problems = check_missing(files)
    absent = {problem.video for problem in problems}
    shapes: Dict[int, list] = defaultdict(list)
    for name, streams in files.items():
        lengths = set()
        for index, file in enumerate(streams):
            if name in absent and find_missing([file]):
                continue
            try:
                features = open_features(file)
                wrong = _find_non_finite(features)
            except (DataError, OSError) as error:
                problems.append(
                    Problem(name, 'unreadable features',
                            f'Video {name}: {error}'))
                continue
            if wrong:
                problems.append(
                    Problem(
                        name, 'NaN or Inf', f'Video {name}: {file} '
                        f'{wrong}; extract the features again.'))
            shapes[index].append((name, file, features.shape[1]))
            lengths.add(features.shape[0])
            problems += _check_length(name, file, features.shape[0],
                                      num_rows.get(name))
        if len(lengths) > 1:
            problems.append(
                Problem(
                    name, 'lengths of streams', f'Video {name}: the streams '
                    f'{", ".join(map(str, streams))} have different numbers '
                    f'of rows, {sorted(lengths)}; cut them to the same.'))
    for index, found in shapes.items():
        expected = (
            widths[index] if widths else Counter(
                x[2] for x in found).most_common(1)[0][0])
        problems += [
            Problem(
                name, 'wrong width', f'Video {name}: {file} has {width} '
                f'channels instead of {expected}; extract it again or '
                'correct feat_dims and feat_layout.')
            for name, file, width in found if width != expected
        ]
    return problems


def expected_rows(duration: float, fps: float, feat_stride: float,
                  num_frames: float) -> Tuple[float, float]:
    """Range for the number of features of a video, 2 % wider at both ends.

    With frames repeated around it, a video has ``duration * fps /
    feat_stride`` features, and without, as many windows as fit.
    """
    frames = duration * fps
    counts = (frames / feat_stride, (frames - num_frames) / feat_stride + 1)
    low = math.floor((1 - LENGTH_TOLERANCE) * min(counts) + 1e-6)
    high = math.ceil((1 + LENGTH_TOLERANCE) * max(counts) - 1e-6)
    return max(low, 1), max(high, 1)


def _check_length(name: str, file: FeatureFile, length: int,
                  limits: Optional[Tuple[float, float]]) -> List[Problem]:
    if limits is None or limits[0] <= length <= limits[1]:
        return []
    return [
        Problem(
            name, 'wrong length', f'Video {name}: {file} has {length} rows, '
            f'but by duration, fps and feat_stride it should have '
            f'{limits[0]} to {limits[1]}; correct these or extract the '
            'features again.')
    ]


def _find_non_finite(features) -> str:
    """Words for the first row with NaN or Inf, '' if there is none."""
    for first in range(0, features.shape[0], _CHUNK):
        finite = np.isfinite(features[first:first + _CHUNK]).all(axis=1)
        if not finite.all():
            return f'has NaN or Inf in row {first + int(finite.argmin())}'
    return ''
