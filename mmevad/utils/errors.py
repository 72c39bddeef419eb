# Copyright (c) mmevad authors. All rights reserved.
"""Errors whose message is written for the person who has to fix them."""

from typing import Sequence

_SHOWN = 5


class DataError(ValueError):
    """An annotation, a video or a prepared file is missing or wrong.

    The message names the file, the place in it and what to do about it.
    """


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read or belongs to another model."""


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
