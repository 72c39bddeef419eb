# Copyright (c) mmevad authors. All rights reserved.
"""Checks of AVA-style annotation files; each returns sentences.

A sentence names the file, the place in it and what to do. Nothing here knows a
dataset class.
"""

import os
import os.path as osp
import re
from string import Formatter
from typing import Iterable, List, Optional, Set, Tuple

from mmaction.evaluation import read_labelmap
from mmengine.fileio import exists, list_dir_or_file

from mmevad.utils.errors import DataError
from mmevad.utils.packed_file import read_lines
from mmevad.utils.relative_name import name_problem
from .base_options import check_filename_tmpl

_COLUMNS = ('video_id', 'timestamp', 'x1', 'y1', 'x2', 'y2', 'action_id',
            'entity_id')
_LARGEST = 2**31
_MAP_LINE = re.compile(r'\s*(\w+\s*\{|\}|name\s*:\s*"[^"]*"|'
                       r'(label_)?id\s*:\s*\d+|label_type\s*:\s*\w+|#.*)?'
                       r'\s*')


def read_label_ids(path: str) -> Set[int]:
    """Read the action ids of a label map (.pbtxt) strictly.

    mmaction2's ``read_labelmap`` passes over every line that it does not
    know; here such a file is an error.

    Args:
        path (str): Path to the label map.

    Returns:
        Set[int]: Its ids.

    Raises:
        DataError: If the file is missing, has no entries, or entries that
            ``read_labelmap`` does not see.
    """
    if not osp.exists(path):
        raise DataError(f'The label file {path} does not exist; set '
                        'label_file to the .pbtxt label map.')
    lines = read_lines(path, 'set label_file to the .pbtxt label map')
    try:
        labelmap, ids = read_labelmap(lines)
    except (IndexError, ValueError) as error:
        raise DataError(f'The label file {path} cannot be read ({error}); '
                        'write names in double quotes and whole-numbered '
                        'ids.') from error
    for number, line in enumerate(lines, 1):
        if not _MAP_LINE.fullmatch(line):
            raise DataError(f'The label file {path}, line {number}: '
                            f'{line[:80]!r} is no line of a label map; '
                            'correct it.')
    # entries that lack their end or name are passed over
    meant = max(
        sum(bool(re.match(x, line)) for line in lines)
        for x in (r'\s*(label_)?id\s*:', r'\s*name\s*:', r'\s*\w+\s*\{'))
    if not ids or meant != len(labelmap):
        raise DataError(
            f'The label file {path} has {len(labelmap)} readable entries but '
            f'{meant} that begin; write each entry as four lines: '
            '\'item {\', \'  name: "..."\', \'  id: 1\', \'}\', the '
            'middle two indented by two spaces.')
    if len(ids) != len(labelmap):
        raise DataError(f'The label file {path} uses an id twice; give each '
                        'action its own id.')
    return ids


def read_excluded(path: Optional[str]) -> Set[Tuple[str, int]]:
    """Read (video id, timestamp) of the excluded keyframes.

    Raises:
        DataError: If the file is missing or a row has another form.
    """
    if path is None:
        return set()
    if not osp.exists(path):
        raise DataError(f'The exclude file {path} does not exist; correct '
                        'exclude_file or set it to None.')
    remedy = 'correct exclude_file or set it to None'
    rows = [x.strip().split(',') for x in read_lines(path, remedy)]
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or _number(int, row[1]) is None:
            raise DataError(f'{path}, line {number}: expected '
                            f"'video_id,timestamp', found "
                            f"{','.join(row)!r}; correct or remove it.")
    return {(video, int(timestamp)) for video, timestamp in rows}


def read_annotation_lines(path: str) -> List[str]:
    """Lines of an annotation file.

    Raises:
        DataError: If it is missing or empty.
    """
    if not path or not exists(path):
        raise DataError(f'The annotation file {path} does not exist; correct '
                        'ann_file or prepare the dataset first.')
    lines = read_lines(path, 'correct ann_file')
    if not lines:
        raise DataError(f'The annotation file {path} is empty; prepare the '
                        'dataset anew.')
    return lines


def check_rows(lines: Iterable[str], source: str, label_ids: Set[int],
               excluded: Set[Tuple[str, int]]) -> List[str]:
    """Check the rows of an AVA annotation.

    Args:
        lines (Iterable[str]): Rows ``video_id, timestamp, x1, y1, x2, y2,
            action_id, entity_id`` without spaces or header.
        source (str): The file's name, for messages.
        label_ids (Set[int]): Action ids that may occur.
        excluded (Set[Tuple[str, int]]): Keyframes whose boxes do not
            matter.

    Returns:
        List[str]: One sentence per wrong row.
    """
    found = []
    for number, line in enumerate(lines, 1):
        wrong = _row_problem(line.strip().split(','), label_ids, excluded)
        if wrong:
            found.append(f'{source}, line {number}: {wrong}.')
    return found


def _row_problem(row: List[str], label_ids: Set[int],
                 excluded: Set[Tuple[str, int]]) -> Optional[str]:
    if len(row) != len(_COLUMNS):
        return (f'{len(row)} columns instead of {len(_COLUMNS)}; a row is '
                f'{",".join(_COLUMNS)}')
    unusable = name_problem(row[0])
    if unusable:
        return f'the video_id {unusable}'
    kinds = (int, ) + (float, ) * 4 + (int, ) * 2
    values = []
    for kind, name, text in zip(kinds, _COLUMNS[1:], row[1:]):
        values.append(_number(kind, text))
        if values[-1] is None:
            word = 'a whole number' if kind is int else 'a number'
            return f'{name} is {text!r}, which is not {word}; correct it'
    timestamp, x1, y1, x2, y2, action, entity = values
    if not 0 <= timestamp < _LARGEST:
        return (f'timestamp is {row[1][:20]}; seconds and frames are not '
                'negative, nor that many')
    if not -_LARGEST < entity < _LARGEST:
        return f'entity_id is {row[7][:20]}..., too large; correct it'
    if action not in label_ids:
        return (f'action_id {action} is no class of this dataset; correct '
                'it, or label_file and num_classes')
    if (row[0], timestamp) in excluded:
        return None
    if not all(0 <= value <= 1 for value in (x1, y1, x2, y2)):
        return (f'the box {x1:g},{y1:g},{x2:g},{y2:g} leaves [0, 1]; divide '
                'it by the frame width and height')
    if x2 <= x1 or y2 <= y1:
        return (f'the box {x1:g},{y1:g},{x2:g},{y2:g} is empty; boxes are '
                'x1,y1,x2,y2 with x1 < x2 and y1 < y2')
    return None


def _number(kind: type, text: str):
    if '_' in text or not text.isascii():  # numbers of Python alone
        return None
    try:
        return kind(text)
    except ValueError:
        return None


def keyframe_number(timestamp: int, fps: int, timestamp_start: int,
                    start_index: int) -> int:
    """Number, in the file name, of the frame in the middle of a clip.

    ``SampleAVAFrames`` adds ``start_index`` twice: to the middle, and again to
    every frame after clipping. With ``fps=1``, ``timestamp_start=0`` and
    ``start_index=0`` a timestamp is the number of its own frame.
    """
    return fps * (timestamp - timestamp_start) + 2 * start_index


def find_frames(folder: str, filename_tmpl: str) -> Set[int]:
    """Numbers of the frames in a folder, by their names.

    Args:
        folder (str): Folder of one video.
        filename_tmpl (str): For example 'img_{:05}.jpg', or with a first
            field for the direction, '{}_{:05}.jpg'; then 'x' is looked for.

    Returns:
        Set[int]: The numbers; empty if the folder does not exist.
    """
    check_filename_tmpl(filename_tmpl)
    parts = list(Formatter().parse(filename_tmpl))
    fields = sum(field is not None for _, field, _, _ in parts)
    lead = ('x', ) * (fields - 1)
    # A number longer than any padding, to find its place in the name.
    pattern = re.escape(filename_tmpl.format(*lead, 1234567))
    match = re.compile(pattern.replace('1234567', r'(\d+)')).fullmatch
    if osp.isdir(folder):
        names = os.listdir(folder)
    elif exists(folder):
        names = list_dir_or_file(folder, list_dir=False)
    else:
        return set()
    hits = [hit for hit in map(match, names) if hit]
    numbers = ((int(hit.group(1)), hit.string) for hit in hits)
    # 'img_7.jpg' is not what 'img_{:05}.jpg' asks for.
    return {n for n, name in numbers if filename_tmpl.format(*lead, n) == name}
