# Copyright (c) mmevad authors. All rights reserved.
"""Whether a value is of an annotated type, as configs mean it."""
import collections.abc
import math
import os
from numbers import Integral, Real
from typing import Any, Union, get_args, get_origin

import numpy as np

_NONE = type(None)
_NAMES = {
    int: 'an integer',
    float: 'a finite number',
    bool: 'True or False',
    str: 'a string',
    _NONE: 'None',
    dict: 'a dict',
}
_PLURALS = {
    int: 'integers',
    float: 'numbers',
    bool: 'True or False',
    str: 'strings',
    dict: 'dicts',
}
_LISTS = (list, tuple, collections.abc.Sequence)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value goes with an annotation.

    Args:
        value (Any): As given in a config.
        hint (Any): A type or what :mod:`typing` makes of them. What it
            cannot express in configs is taken to fit.
    """
    if hint is Any:  # a class since Python 3.11
        return True
    if hint is bool:
        return isinstance(value, (bool, np.bool_))
    if hint is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if hint is float:
        return _is_finite(value)
    if hint is str:
        return isinstance(value, (str, os.PathLike))
    if hint is None:
        return value is None
    origin = get_origin(hint) or hint
    if origin is Union:
        return any(fits(value, one) for one in get_args(hint))
    if origin in _LISTS:
        return _is_list(value, origin, get_args(hint))
    if origin is collections.abc.Callable:
        return callable(value)
    if not isinstance(origin, type):
        return True
    if issubclass(origin, dict):  # ConfigDict too
        return isinstance(value, collections.abc.Mapping) and all(
            fits(item, one) for pair in value.items()
            for item, one in zip(pair, get_args(hint)))
    return isinstance(value, origin)


def _is_finite(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _is_list(value: Any, origin: Any, hints: tuple) -> bool:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, collections.abc.Sequence) or isinstance(
            value, (str, bytes)):
        return False
    if not hints:
        return True
    if origin is tuple and hints[-1] is not Ellipsis:
        return len(value) == len(hints) and all(
            # the end of a range may be infinite
            fits(item, hint) or
            (hint is float and isinstance(item, float) and math.isinf(item))
            for item, hint in zip(value, hints))
    return all(fits(item, hints[0]) for item in value)


def describe(hint: Any) -> str:
    """An annotation in words, such as ``a list of integers or None``."""
    origin, hints = get_origin(hint) or hint, get_args(hint)
    if origin is Union:
        names = list(dict.fromkeys(describe(one) for one in hints))
        return ' or '.join(names)
    if origin in _LISTS:
        if not hints:
            return 'a list'
        if origin is tuple and hints[-1] is not Ellipsis:
            return f'a list of {len(hints)} {_plural(hints[0])}'
        return f'a list of {_plural(hints[0])}'
    if origin is collections.abc.Callable:
        return 'a callable'
    if isinstance(origin, type) and issubclass(origin, dict):
        if not hints or Any in hints:
            return 'a dict'
        return f'a dict of {_plural(hints[0])} to {_plural(hints[1])}'
    return _NAMES.get(origin, f'a {getattr(origin, "__name__", origin)}')


def _plural(hint: Any) -> str:
    origin, hints = get_origin(hint) or hint, get_args(hint)
    if origin is Union:
        return ' or '.join(dict.fromkeys(_plural(one) for one in hints))
    if origin in _LISTS:
        size = ''
        if origin is tuple and hints and hints[-1] is not Ellipsis:
            size = f'{len(hints)} '
        return f'lists of {size}{_plural(hints[0]) if hints else "values"}'
    if isinstance(origin, type) and issubclass(origin, dict):
        return 'dicts'
    return _PLURALS.get(origin, describe(hint))
