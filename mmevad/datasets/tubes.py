# Copyright (c) mmevad authors. All rights reserved.
"""Tube files: UCF101-24, JHMDB, MultiSports and all of their form.

A tube file holds a dictionary with the keys

- ``labels``: the class names, in order;
- ``gttubes``: ``{video: {label: [tube, ...]}}``; a tube is an N x 5 array of
  frame (counted from 1), x1, y1, x2, y2 in pixels of ``resolution``;
- ``nframes``: ``{video: number of frames}``;
- ``train_videos``, ``test_videos``: one list of videos per split;
- ``resolution``: ``{video: (height, width)}``.

A file with only one of ``train_videos`` and ``test_videos`` is read too.
"""

import os.path as osp
from collections import Counter
from typing import Any, List, Optional, Tuple

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import parse_json
from mmevad.utils.packed_file import read_file
from mmevad.utils.relative_name import name_problem
from mmevad.utils.safe_pickle import safe_pickle_loads
from .problems import Problem
from .tube_content import Tubes, tubes_of

_KEYS = ('labels', 'gttubes', 'nframes', 'resolution')
_SPLITS = ('train_videos', 'test_videos')
# float32 counts frames exactly up to here, six days at 30 per second
_MAX_FRAMES = 2**24
_MAX_SIDE = 2**16


def load_tubes(path: str) -> Tubes:
    """Read and check a tube file.

    Args:
        path (str): A ``.pkl`` or ``.json`` file, or either with ``.xz``
            behind. Pickles are read without running anything in them.

    Returns:
        Tubes: The content; tubes are float32, classes numbered from 0.

    Raises:
        DataError: If the file is missing, unreadable, unsafe or wrong.
    """
    return parse_tubes(_read(path), path)


def parse_tubes(data: Any, source: str) -> Tubes:
    """Check the content of a tube file.

    Args:
        data (Any): What the file holds.
        source (str): The file's name, for messages.

    Returns:
        Tubes: The content with plain types.

    Raises:
        DataError: If a key is missing, a tube is not N x 5, a box is empty
            or a frame, class or video does not exist.
    """
    tubes = to_tubes(data, source)
    raise_data_errors([x.message for x in tube_problems(tubes, source)])
    return tubes


def read_unchecked_tubes(path: str) -> Tubes:
    """Like :func:`load_tubes`, but tubes may be anything.

    Raises:
        DataError: If the file is missing, unreadable, unsafe or not of the
            form of a tube file.
    """
    return to_tubes(_read(path), path)


def _read(path: str) -> Any:
    """Content of a tube file."""
    if not path or not osp.exists(path):
        raise DataError(f'{path} does not exist; give the tube file.')
    stem, packed = osp.splitext(path)
    kind = osp.splitext(stem)[1] if packed == '.xz' else packed
    if kind not in ('.pkl', '.json'):
        raise DataError(f'{path} has an unknown ending; a tube file ends in '
                        '.pkl, .json, .pkl.xz or .json.xz.')
    content = read_file(path, 'give the tube file')
    if kind == '.pkl':
        return safe_pickle_loads(content, path)
    return parse_json(content, path)


def to_tubes(data: Any, source: str) -> Tubes:
    """Plain types for the content of a tube file; tubes may be anything.

    Raises:
        DataError: If a key is missing or something has another type.
    """
    known = data if isinstance(data, dict) else {}
    missing = [key for key in _KEYS if key not in known]
    if not any(key in known for key in _SPLITS):
        missing += _SPLITS
    if missing:
        raise DataError(f'{source} is not a tube file: it lacks '
                        f'{", ".join(missing)}.')
    return tubes_of(data, source)


def tube_problems(tubes: Tubes, source: str) -> List[Problem]:
    """Everything that is wrong with tubes by themselves.

    Args:
        tubes (Tubes): The content of a file.
        source (str): The file's name, for messages.

    Returns:
        List[Problem]: Each problem once.
    """
    found = []

    def add(video: str, kind: str, text: str) -> None:
        found.append(Problem(video, kind, f'{source}: {text}.'))

    for split in tubes.train_videos + tubes.test_videos:
        for video, count in Counter(split).items():
            if video not in tubes.gttubes:
                add(video, 'video without tubes',
                    f'video {video!r} of a split has no gttubes')
            if count > 1:
                add(video, 'video listed twice',
                    f'video {video!r} is {count} times in a split')
    for video, by_label in tubes.gttubes.items():
        unusable = name_problem(video)
        if unusable:
            add(video, 'unusable name',
                f'the name of video {video!r} {unusable}')
        if video not in tubes.nframes or video not in tubes.resolution:
            add(video, 'video without size',
                f'video {video!r} has no nframes or no resolution')
            continue
        height, width = tubes.resolution[video]
        if not 1 <= min(height, width) <= max(height, width) <= _MAX_SIDE:
            add(
                video, 'video without size', f'video {video!r} has the '
                f'resolution {tubes.resolution[video]}')
            continue
        if not 1 <= tubes.nframes[video] <= _MAX_FRAMES:
            add(
                video, 'video without size', f'video {video!r} has '
                f'{tubes.nframes[video]} frames; expected 1 to {_MAX_FRAMES}')
            continue
        if not any(by_label.values()):
            add(video, 'video without tubes', f'video {video!r} has no tubes')
        for label, many in by_label.items():
            if not 0 <= label < len(tubes.labels):
                add(
                    video, 'unknown class',
                    f'video {video!r} has tubes of class {label}, but there '
                    f'are {len(tubes.labels)} labels')
            for i, tube in enumerate(many):
                wrong = _tube_problem(tube, tubes.nframes[video])
                if wrong:
                    add(
                        video, wrong[0], f'tube {i} of class {label} in video '
                        f'{video!r} {wrong[1]}')
    return found


def _tube_problem(tube: np.ndarray, nframes: int) -> Optional[Tuple[str, str]]:
    """Kind and description of the first thing wrong with a tube."""
    if tube.ndim != 2 or tube.shape[1] != 5 or not len(tube):
        return 'malformed tube', (f'has the shape {tube.shape} instead of '
                                  '(N, 5) with N >= 1')
    if not np.isfinite(tube).all():
        return 'malformed tube', 'holds a number that is not finite'
    frames = tube[:, 0]
    if (frames != frames.astype(int)).any() or (np.diff(frames) <= 0).any():
        return 'malformed tube', ('has frame numbers that are not whole and '
                                  'increasing')
    if frames[0] < 1 or frames[-1] > nframes:
        return 'tube outside video', (
            f'covers frames {frames[0]:g} to {frames[-1]:g} of a video with '
            f'frames 1 to {nframes}')
    empty = (tube[:, 3:] <= tube[:, 1:3]).any(axis=1)
    if empty.any():
        row = tube[empty.argmax()]
        return 'empty box', (f'has an empty box {row[1:].tolist()} at frame '
                             f'{row[0]:g} (boxes are x1, y1, x2, y2)')
    return None
