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

import json
import lzma
import os.path as osp
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.safe_pickle import safe_pickle_loads
from .problems import Problem

_KEYS = ('labels', 'gttubes', 'nframes', 'resolution')
_SPLITS = ('train_videos', 'test_videos')
SUBSETS = ('train', 'test', 'all')


@dataclass
class Tubes:
    """A tube file, checked; field by field as in the file."""

    labels: List[str]
    gttubes: Dict[str, Dict[int, List[np.ndarray]]]
    nframes: Dict[str, int]
    train_videos: List[List[str]]
    test_videos: List[List[str]]
    resolution: Dict[str, Tuple[int, int]]

    def subset(self, name: str, split: int = 1) -> List[str]:
        """Videos of 'train' or 'test' in one split, or 'all' with tubes.

        Args:
            name (str): 'train', 'test' or 'all'.
            split (int): Split, counted from 1; unused for 'all'.

        Raises:
            DataError: If the subset or split does not exist or is empty.
        """
        if name not in SUBSETS:
            raise DataError(f'A tube file has no subset {name!r}; choose one '
                            f'of {", ".join(SUBSETS)}.')
        if name == 'all':
            return list(self.gttubes)
        splits = dict(train=self.train_videos, test=self.test_videos)[name]
        if not 1 <= split <= len(splits) or not splits[split - 1]:
            raise DataError(
                f'The tube file lists no {name} videos for split {split}; '
                'choose another subset or split.')
        return splits[split - 1]


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
    if not path or not osp.isfile(path):
        raise DataError(f'{path} does not exist; give the tube file.')
    stem, packed = osp.splitext(path)
    kind = osp.splitext(stem)[1] if packed == '.xz' else packed
    if kind not in ('.pkl', '.json'):
        raise DataError(f'{path} has an unknown ending; a tube file ends in '
                        '.pkl, .json, .pkl.xz or .json.xz.')
    try:
        with (lzma.open if packed == '.xz' else open)(path, 'rb') as file:
            content = file.read()
    except (lzma.LZMAError, EOFError) as error:
        raise DataError(f'{path} is not a readable .xz file ({error}).')
    if kind == '.pkl':
        return safe_pickle_loads(content, path)
    try:
        return json.loads(content)
    except ValueError as error:
        raise DataError(f'{path} is not readable JSON ({error}).')


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
    try:
        return Tubes(
            labels=[str(name) for name in data['labels']],
            gttubes={
                str(video): {
                    int(label):
                    [np.asarray(t, dtype=np.float32) for t in many]
                    for label, many in by_label.items()
                }
                for video, by_label in data['gttubes'].items()
            },
            nframes={
                str(v): int(n)
                for v, n in data['nframes'].items()
            },
            resolution={
                str(v): (int(h), int(w))
                for v, (h, w) in data['resolution'].items()
            },
            **{
                key: [[str(v) for v in s] for s in data.get(key, [])]
                for key in _SPLITS
            })
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f'{source} does not have the form of a tube file '
                        f'({error}).') from error


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
        for video in split:
            if video not in tubes.gttubes:
                add(video, 'video without tubes',
                    f'video {video!r} of a split has no gttubes')
    for video, by_label in tubes.gttubes.items():
        if video not in tubes.nframes or video not in tubes.resolution:
            add(video, 'video without size',
                f'video {video!r} has no nframes or no resolution')
            continue
        if min(tubes.resolution[video]) < 1:
            add(
                video, 'video without size', f'video {video!r} has the '
                f'resolution {tubes.resolution[video]}')
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
