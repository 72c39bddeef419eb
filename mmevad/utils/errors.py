# Copyright (c) mmevad authors. All rights reserved.
"""Errors whose message is written for the person who has to fix them."""

import os.path as osp
import re
from typing import Sequence

_SHOWN = 5
# where torch, or mmevad for older torch, names what it would not call
_CODE = re.compile(r'(?:GLOBAL|Unsupported class|would call) ([\w.]+)')


class DataError(ValueError):
    """An annotation, a video or a prepared file is missing or wrong.

    The message names the file, the place in it and what to do about it.
    """


class ConfigError(DataError):
    """An option of a config is unknown, missing or of no use.

    The message names the class and the option.
    """


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read or belongs to another model."""


def unreadable(path: str, error: Exception) -> CheckpointError:
    """A sentence for what PyTorch says about a checkpoint.

    Args:
        path (str): Of the checkpoint.
        error (Exception): What it said.
    """
    code = _CODE.search(str(error))
    if code:
        return CheckpointError(f'cannot read the checkpoint {path}: it holds '
                               f'more than tensors and plain data ({code[1]})')
    size = ''
    if osp.isfile(path):
        size = f' of {osp.getsize(path):,} bytes'
    reason = str(error).strip().split('\n')[0].split('. ')[0]
    return CheckpointError(
        f'cannot read the checkpoint {path}: the file{size} is incomplete or '
        f'of another kind, download it again ({type(error).__name__}: '
        f'{reason})')


def raise_data_errors(problems: Sequence[str]) -> None:
    """Raise one :class:`DataError` that lists the problems, if any.

    Args:
        problems (Sequence[str]): One sentence per problem. The first five
            are shown, the others are counted.

    Raises:
        DataError: If ``problems`` is not empty.
    """
    if not problems:
        return
    lines = list(problems[:_SHOWN])
    if len(problems) > _SHOWN:
        lines.append(f'... and {len(problems) - _SHOWN} more problems.')
    raise DataError('\n'.join(lines))
