# Copyright (c) mmevad authors. All rights reserved.
"""UCF101-24 / JHMDB tube files and the keyframes of an AVA annotation.

A tube file holds a dictionary with the keys

- ``labels``: the class names, in order;
- ``gttubes``: ``{video: {label: [tube, ...]}}``; a tube is an N x 5 array of
  frame (counted from 1), x1, y1, x2, y2 in pixels of ``resolution``;
- ``nframes``: ``{video: number of frames}``;
- ``train_videos``, ``test_videos``: one list of videos per split;
- ``resolution``: ``{video: (height, width)}``.
"""

import json
import lzma
import os.path as osp
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.safe_pickle import safe_pickle_loads

_KEYS = ('labels', 'gttubes', 'nframes', 'train_videos', 'test_videos',
         'resolution')


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
            DataError: If the split does not exist or is empty.
        """
        if name == 'all':
            return list(self.gttubes)
        splits = dict(train=self.train_videos, test=self.test_videos)[name]
        if not 1 <= split <= len(splits) or not splits[split - 1]:
            raise DataError(
                f'The tube file lists no {name} videos for split {split}; '
                'choose another subset or split.')
        return splits[split - 1]


class KeyframeBox(NamedTuple):
    """One row of an AVA annotation.

    ``frame`` is counted from 1, ``box`` is (x1, y1, x2, y2) in [0, 1],
    ``action_id`` is the place in ``labels`` counted from 1, ``entity_id`` the
    tube's number within its video, counted from 0.
    """

    video: str
    frame: int
    box: Tuple[float, float, float, float]
    action_id: int
    entity_id: int


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
    if not osp.isfile(path):
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
        return parse_tubes(safe_pickle_loads(content, path), path)
    try:
        return parse_tubes(json.loads(content), path)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f'{path} is not readable JSON ({error}).')


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
    missing = [
        key for key in _KEYS if not isinstance(data, dict) or key not in data
    ]
    if missing:
        raise DataError(f'{source} is not a tube file: it lacks '
                        f'{", ".join(missing)}.')
    try:
        tubes = Tubes(
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
            train_videos=[[str(v) for v in s] for s in data['train_videos']],
            test_videos=[[str(v) for v in s] for s in data['test_videos']],
            resolution={
                str(v): (int(h), int(w))
                for v, (h, w) in data['resolution'].items()
            })
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f'{source} does not have the form of a tube file '
                        f'({error}).') from error
    raise_data_errors([f'{source}: {text}' for text in _problems(tubes)])
    return tubes


def _problems(tubes: Tubes) -> List[str]:
    """One sentence per thing that is wrong with the tubes."""
    found = []
    for video in sum(tubes.train_videos + tubes.test_videos, []):
        if video not in tubes.gttubes:
            found.append(f'video {video!r} of a split has no gttubes.')
    for video, by_label in tubes.gttubes.items():
        if video not in tubes.nframes or video not in tubes.resolution:
            found.append(f'video {video!r} has no nframes or no resolution.')
            continue
        if min(tubes.resolution[video]) < 1:
            found.append(f'video {video!r} has the resolution '
                         f'{tubes.resolution[video]}.')
            continue
        if not any(by_label.values()):
            found.append(f'video {video!r} has no tubes.')
        for label, many in by_label.items():
            if not 0 <= label < len(tubes.labels):
                found.append(f'video {video!r} has tubes of class {label}, '
                             f'but there are {len(tubes.labels)} labels.')
            for i, tube in enumerate(many):
                wrong = _tube_problem(tube, tubes.nframes[video])
                if wrong:
                    found.append(f'tube {i} of class {label} in video '
                                 f'{video!r} {wrong}.')
    return found


def _tube_problem(tube: np.ndarray, nframes: int) -> Optional[str]:
    if tube.ndim != 2 or tube.shape[1] != 5 or not len(tube):
        return f'has the shape {tube.shape} instead of (N, 5) with N >= 1'
    if not np.isfinite(tube).all():
        return 'holds a number that is not finite'
    frames = tube[:, 0]
    if (frames != frames.astype(int)).any() or (np.diff(frames) <= 0).any():
        return 'has frame numbers that are not whole and increasing'
    if frames[0] < 1 or frames[-1] > nframes:
        return (f'covers frames {frames[0]:g} to {frames[-1]:g} of a video '
                f'with frames 1 to {nframes}')
    empty = (tube[:, 3:] <= tube[:, 1:3]).any(axis=1)
    if empty.any():
        row = tube[empty.argmax()]
        return (f'has an empty box {row[1:].tolist()} at frame {row[0]:g} '
                '(boxes are x1, y1, x2, y2)')
    return None


def tubes_to_keyframes(
        tubes: Tubes,
        every: int = 1,
        videos: Optional[Sequence[str]] = None) -> List[KeyframeBox]:
    """Every k-th annotated frame of each video, with all of its boxes.

    The frames that any tube of a video covers are put in order, and the
    first, the (k+1)-th, ... are kept. The choice is made per video, not per
    tube, so that a keyframe shows everybody who is annotated on it.

    Args:
        tubes (Tubes): The tubes.
        every (int): k, at least 1.
        videos (Sequence[str], optional): The videos to use, in this order.
            Defaults to all.

    Returns:
        List[KeyframeBox]: By video, frame and tube. Boxes are divided by
        the video's resolution and clipped to [0, 1].

    Raises:
        DataError: If a video has no tubes or a box lies outside its frame.
    """
    if every < 1:
        raise DataError(f'every must be at least 1, not {every}.')
    rows = []
    for video in tubes.gttubes if videos is None else videos:
        if video not in tubes.gttubes:
            raise DataError(f'The tube file has no video {video!r}.')
        height, width = tubes.resolution[video]
        size = np.array([width, height, width, height], dtype=np.float64)
        flat = [(label, tube)
                for label, many in sorted(tubes.gttubes[video].items())
                for tube in many]
        annotated = np.unique(
            np.concatenate([tube[:, 0] for _, tube in flat] or [[]]))
        for frame in annotated[::every]:
            for entity, (label, tube) in enumerate(flat):
                for pixels in tube[tube[:, 0] == frame, 1:]:
                    box = (pixels / size).clip(0, 1)
                    if (box[2:] <= box[:2]).any():
                        raise DataError(
                            f'The box {pixels.tolist()} of video {video!r}, '
                            f'frame {frame:g}, lies outside the {width} x '
                            f'{height} pixels of its resolution.')
                    rows.append(
                        KeyframeBox(video, int(frame), tuple(box.tolist()),
                                    label + 1, entity))
    return rows
