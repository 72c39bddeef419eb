# Copyright (c) mmevad authors. All rights reserved.
"""Boxes of a person detector, by keyframe, as AVADataset takes them."""
import os.path as osp
from typing import Any, Dict

import numpy as np

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import read_json
from mmevad.utils.packed_file import read_file
from mmevad.utils.safe_pickle import safe_pickle_loads


def read_proposals(path: str) -> Dict[str, np.ndarray]:
    """Read the boxes of each keyframe.

    Args:
        path (str): ``{'<video_id>,<timestamp>': boxes}`` in a .json or .pkl
            file; boxes are rows x1, y1, x2, y2 in [0, 1], and a score if
            there are five columns. No code in a pickle is run.

    Raises:
        DataError: If the file is missing, unsafe or of another form.
    """
    ending = osp.splitext(path)[1]
    if ending not in ('.json', '.pkl'):
        raise DataError(f'The proposal file {path} is neither .json nor '
                        '.pkl; correct proposal_file.')
    if ending == '.json':
        content = read_json(path)
    else:
        content = read_file(path, 'correct proposal_file')
        content = safe_pickle_loads(content, path)
    if not isinstance(content, dict):
        raise DataError(f'{path} holds no boxes by keyframe, but '
                        f'{type(content).__name__}; correct proposal_file.')
    problems, found = [], {}
    for key, value in content.items():
        rows = _rows(value)
        if not isinstance(key, str) or rows is None:
            problems.append(
                f'{path}, keyframe {key!r}: expected the name '
                "'<video_id>,<timestamp>' and rows x1, y1, x2, y2 or these "
                'and a score, boxes within [0, 1]; correct it.')
        found[key] = rows
    raise_data_errors(problems)
    return found


def _rows(value: Any) -> Any:
    try:
        rows = np.asarray(value)
    except ValueError:
        return None
    if rows.ndim != 2 or rows.shape[1] not in (
            4, 5) or not len(rows) or rows.dtype.kind not in 'iuf':
        return None
    boxes = rows[:, :4]
    # NaN compares as False
    if not ((boxes >= 0) & (boxes <= 1)).all() or not np.isfinite(rows).all():
        return None
    return rows
