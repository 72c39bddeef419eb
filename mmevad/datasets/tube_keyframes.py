# Copyright (c) mmevad authors. All rights reserved.
"""Keyframes of tubes, and who is annotated on them."""
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from .tube_checks import outside_problems
from .tubes import Tubes


class BoxTable(NamedTuple):
    """All boxes of a video, by frame and tube.

    Attributes:
        frames (np.ndarray): (N,) int64, counted from 1, not falling.
        boxes (np.ndarray): (N, 4) float64 xyxy in [0, 1].
        labels (np.ndarray): (N,) int64, counted from 0.
        entities (np.ndarray): (N,) int64, the tube's number in its video by
            class, counted from 0.
    """

    frames: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    entities: np.ndarray

    def rows(self, frame: int) -> slice:
        """Rows of a frame, none if nobody is annotated on it."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return slice(first, last)


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


def box_table(by_label: Dict[int, List[np.ndarray]],
              resolution: Tuple[int, int]) -> BoxTable:
    """Put the tubes of a video into one table.

    Args:
        by_label (dict): For each class its tubes, (N, 5) each: frame, x1,
            y1, x2, y2 in pixels.
        resolution (Tuple[int, int]): Height and width in pixels.

    Returns:
        BoxTable: Boxes are divided by the resolution and clipped to [0, 1].
    """
    flat = [(label, tube) for label, many in sorted(by_label.items())
            for tube in many]
    rows = np.concatenate([tube for _, tube in flat])
    lengths = [len(tube) for _, tube in flat]
    labels = np.repeat([label for label, _ in flat], lengths)
    entities = np.repeat(np.arange(len(flat)), lengths)
    height, width = resolution
    boxes = rows[:, 1:].astype(np.float64) / [width, height, width, height]
    order = np.lexsort((entities, rows[:, 0]))
    return BoxTable(rows[order, 0].astype(np.int64), boxes[order].clip(0, 1),
                    labels[order].astype(np.int64),
                    entities[order].astype(np.int64))


def choose_keyframes(table: BoxTable,
                     interval: int = 1,
                     per_tube: Optional[int] = None) -> np.ndarray:
    """Annotated frames to look at.

    The frames that any tube of a video covers are put in order, and the
    first, the (k+1)-th, ... are kept. With ``per_tube``, n of those that a
    tube covers are kept for each tube, evenly spread over it.

    Args:
        table (BoxTable): Boxes of a video.
        interval (int): k, at least 1.
        per_tube (int, optional): n, at least 1.

    Returns:
        np.ndarray: (K,) int64 rising frame numbers.

    Raises:
        ValueError: If ``interval`` or ``per_tube`` is below 1.
    """
    for name, value in dict(interval=interval, per_tube=per_tube).items():
        if value is not None and value < 1:
            raise ValueError(f'{name} must be at least 1, not {value}.')
    frames = np.unique(table.frames)[::interval]
    if per_tube is None:
        return frames
    kept = []
    for entity in np.unique(table.entities):
        own = np.intersect1d(frames, table.frames[table.entities == entity])
        # the middles of n equal parts
        places = (np.arange(per_tube) + 0.5) * len(own) / per_tube
        kept.append(own[places.astype(np.int64)] if len(own) else own)
    return np.unique(np.concatenate(kept))


def merge_labels(boxes: np.ndarray, labels: np.ndarray,
                 num_classes: int) -> Tuple[np.ndarray, np.ndarray]:
    """One row for each person of a frame.

    Equal boxes with different labels are one person who does several
    things, as in AVA. Equal boxes with the same label stay apart.

    Args:
        boxes (np.ndarray): (N, 4).
        labels (np.ndarray): (N,) counted from 0.
        num_classes (int): C.

    Returns:
        tuple: (M,) rows that stand for a person, and (M, 1 + C) float32
        which labels each has; the first column is background, always 0.
    """
    first: List[int] = []
    targets: List[np.ndarray] = []
    for row, label in enumerate(labels):
        for place, target in zip(first, targets):
            if not target[label + 1] and (boxes[place] == boxes[row]).all():
                target[label + 1] = 1
                break
        else:
            first.append(row)
            targets.append(np.zeros(1 + num_classes, dtype=np.float32))
            targets[-1][label + 1] = 1
    shape = (len(first), 1 + num_classes)
    return (np.array(first, dtype=np.int64),
            np.array(targets, dtype=np.float32).reshape(shape))


def tubes_to_keyframes(
        tubes: Tubes,
        every: int = 1,
        videos: Optional[Sequence[str]] = None) -> List[KeyframeBox]:
    """Every k-th annotated frame of each video, with all of its boxes.

    The choice is made per video, not per tube, so that a keyframe shows
    everybody who is annotated on it.

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
        ValueError: If ``every`` is below 1.
    """
    videos = list(tubes.gttubes if videos is None else videos)
    for video in videos:
        if video not in tubes.gttubes:
            raise DataError(f'The tube file has no video {video!r}.')
    raise_data_errors([x.message for x in outside_problems(tubes, videos)])
    rows = []
    for video in videos:
        table = box_table(tubes.gttubes[video], tubes.resolution[video])
        kept = np.isin(table.frames, choose_keyframes(table, every))
        rows += [
            KeyframeBox(video, frame, tuple(box), label + 1, entity)
            for frame, box, label, entity in zip(
                *[column[kept].tolist() for column in table])
        ]
    return rows
