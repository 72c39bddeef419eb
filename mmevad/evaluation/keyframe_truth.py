# Copyright (c) mmevad authors. All rights reserved.
"""Annotated boxes of keyframes, from AVA's csv or from a tube file."""
import os.path as osp
import sys
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Set, Tuple

import numpy as np
from mmengine.logging import print_log

from mmevad.datasets.ava_checks import (check_rows, read_annotation_lines,
                                        read_excluded)
from mmevad.datasets.tube_checks import outside_problems
from mmevad.datasets.tube_keyframes import box_table, choose_keyframes
from mmevad.datasets.tubes import load_tubes
from mmevad.utils.errors import DataError, raise_data_errors
from .ava_map import KeyframeTruth

# A video's name and the second, or the number of the frame.
Keyframe = Tuple[str, int]


class AnnotatedKeyframes(NamedTuple):
    """Ground truth of a file.

    Attributes:
        path (str): The file, for messages.
        numbers (dict): Number of each keyframe by video and timestamp, in
            the order of the file.
        excluded (frozenset): Keyframes that do not count at all.
        boxes (KeyframeTruth): One row per box and class, in [0, 1].
    """

    path: str
    numbers: Dict[Keyframe, int]
    excluded: FrozenSet[Keyframe]
    boxes: KeyframeTruth


def read_ava(path: str,
             exclude_file: Optional[str] = None,
             label_ids: Optional[Set[int]] = None,
             evaluated: Optional[Set[int]] = None) -> AnnotatedKeyframes:
    """Read AVA's csv; rows of excluded keyframes are left out.

    Args:
        path (str): Rows ``video_id, timestamp, x1, y1, x2, y2, action_id,
            entity_id``.
        exclude_file (str, optional): Rows ``video_id, timestamp``. Defaults
            to None.
        label_ids (Set[int], optional): Action ids that a row may have.
            Defaults to None, which means any from 1.
        evaluated (Set[int], optional): Action ids whose rows are kept.
            Defaults to None, which means all.

    Returns:
        AnnotatedKeyframes: Labels are the action ids. Within a keyframe,
        boxes are in the order of ``ava_eval``, which takes the entity_id for
        a score; it decides between boxes of equal IoU.

    Raises:
        DataError: If a file is missing, a row is wrong or no row is left.
    """
    lines = read_annotation_lines(path)
    excluded = read_excluded(exclude_file)
    raise_data_errors(
        check_rows(lines, path, label_ids or range(1, sys.maxsize), excluded))
    rows = [line.strip().split(',') for line in lines]
    rows = [row for row in rows if (row[0], int(row[1])) not in excluded]
    if not rows:
        raise DataError(f'Every keyframe of {path} is excluded by '
                        f'{exclude_file}.')
    if len(rows) < len(lines):
        print_log(
            f'{path}: {len(lines) - len(rows)} rows on excluded keyframes are '
            'left out.',
            logger='current')
    rows = [row for row in rows if not evaluated or int(row[6]) in evaluated]
    if not rows:
        raise DataError(f'No row of {path} has one of the {len(evaluated)} '
                        'evaluated classes.')
    numbers: Dict[Keyframe, int] = {}
    frames = np.array([
        numbers.setdefault((row[0], int(row[1])), len(numbers)) for row in rows
    ])
    boxes = np.array([row[2:6] for row in rows], dtype=np.float32)
    labels = np.array([int(row[6]) for row in rows])
    order = np.lexsort(([-int(row[7]) for row in rows], frames))
    return AnnotatedKeyframes(
        path, numbers, frozenset(excluded),
        KeyframeTruth(frames[order], labels[order], boxes[order]))


def read_tube_boxes(path: str,
                    subset: str = 'test',
                    split: int = 1,
                    keyframe_interval: int = 1) -> AnnotatedKeyframes:
    """Read the annotated frames of a tube file.

    Args:
        path (str): See :func:`load_tubes`.
        subset (str): 'train', 'test' or 'all'. Defaults to 'test'.
        split (int): Counted from 1. Defaults to 1.
        keyframe_interval (int): Every k-th frame counts. Defaults to 1.

    Returns:
        AnnotatedKeyframes: Labels are the classes, from 0; boxes are divided
        by the video's resolution and clipped.

    Raises:
        DataError: If the file or the split is missing or wrong, or a box
            lies outside its frame.
    """
    tubes = load_tubes(path)
    videos = tubes.subset(subset, split)
    raise_data_errors(
        [f'{path}: {x.message}' for x in outside_problems(tubes, videos)])
    keys: List[Keyframe] = []
    labels, boxes = [], []
    for video in videos:
        table = box_table(tubes.gttubes[video], tubes.resolution[video])
        kept = np.isin(table.frames, choose_keyframes(table,
                                                      keyframe_interval))
        keys += [(video, frame) for frame in table.frames[kept].tolist()]
        labels.append(table.labels[kept])
        boxes.append(table.boxes[kept].astype(np.float32))
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    frames = np.array([numbers[key] for key in keys])
    return AnnotatedKeyframes(
        path, numbers, frozenset(),
        KeyframeTruth(frames, np.concatenate(labels), np.concatenate(boxes)))


def read_persons(path: str,
                 exclude_file: Optional[str] = None,
                 subset: str = 'test',
                 split: int = 1,
                 keyframe_interval: int = 1) -> AnnotatedKeyframes:
    """Every annotated box once, whatever the person does; label 0.

    Args:
        path (str): AVA's csv, or a tube file.
        exclude_file (str, optional): Of AVA's csv. Defaults to None.
        subset (str): Of a tube file. Defaults to 'test'.
        split (int): Of a tube file. Defaults to 1.
        keyframe_interval (int): Of a tube file. Defaults to 1.

    Raises:
        DataError: As :func:`read_ava` and :func:`read_tube_boxes`.
    """
    if osp.splitext(path)[1] == '.csv':
        found = read_ava(path, exclude_file)
    elif exclude_file is not None:
        raise DataError(f'exclude_file is {exclude_file}, but {path} is no '
                        '.csv; only AVA excludes keyframes.')
    else:
        found = read_tube_boxes(path, subset, split, keyframe_interval)
    rows = np.column_stack([found.boxes.frames, found.boxes.boxes])
    once = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return found._replace(
        boxes=KeyframeTruth(found.boxes.frames[once],
                            np.zeros(len(once), dtype=int),
                            found.boxes.boxes[once]))
