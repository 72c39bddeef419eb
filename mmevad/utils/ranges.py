# Copyright (c) mmevad authors. All rights reserved.
"""Options that have the right type but no meaning."""
from typing import Any, Iterable

# wider or longer than anything that fits into memory
MAX_SIZE, MAX_DEPTH = 2**16, 1000
# features of a sequence
MAX_LENGTH = 2**20
# more weights of a part take above 17 GB, more values of a clip 1 GB
MAX_WEIGHTS, MAX_VALUES = 2**32, 2**28


def _values(option: Any) -> Iterable:
    """Numbers of an option, also of a list; none of None."""
    if option is None:
        return ()
    return option if isinstance(option, (list, tuple)) else (option, )


def require_sizes(most: int = MAX_SIZE, **options: Any) -> None:
    """Counts, widths and sides: 1 to ``most``.

    Args:
        most (int): Greatest value. Defaults to 65536.
        **options: Integer, list of integers or None, by name.

    Raises:
        ValueError: If one is outside.
    """
    require_between(1, most, **options)


def require_between(low: float, high: float, **options: Any) -> None:
    """Numbers from ``low`` to ``high``, both included.

    Raises:
        ValueError: If one is outside, or NaN.
    """
    for name, option in options.items():
        if not all(low <= value <= high for value in _values(option)):
            raise ValueError(f'{name}={_shown(option)} must be from {low} to '
                             f'{high}')


def require_at_least(low: float, **options: Any) -> None:
    """Numbers that are not below ``low``.

    Raises:
        ValueError: If one is below, or NaN.
    """
    for name, option in options.items():
        if not all(value >= low for value in _values(option)):
            raise ValueError(f'{name}={_shown(option)} must be at least {low}')


def require_positive(**options: Any) -> None:
    """Numbers above 0.

    Raises:
        ValueError: If one is not, or NaN.
    """
    for name, option in options.items():
        if not all(value > 0 for value in _values(option)):
            raise ValueError(f'{name}={_shown(option)} must be above 0')


def require_fractions(**options: Any) -> None:
    """Rates of dropout and the like: from 0, below 1.

    Raises:
        ValueError: If one is outside, or NaN.
    """
    for name, option in options.items():
        if not all(0 <= value < 1 for value in _values(option)):
            raise ValueError(f'{name}={_shown(option)} must be in [0, 1)')


def require_multiple(**options: int) -> None:
    """Two options, of which the first is a multiple of the second.

    Raises:
        ValueError: If it is not.
    """
    (name, number), (other, divisor) = options.items()
    if number % divisor:
        raise ValueError(f'{name}={_shown(number)} is not a multiple of '
                         f'{other}={_shown(divisor)}')


def require_some(**options: Any) -> None:
    """Lists with something in them.

    Raises:
        ValueError: If one is empty.
    """
    for name, option in options.items():
        if isinstance(option, (list, tuple)) and not option:
            raise ValueError(f'{name} is empty, it needs at least one value')


def require_total(most: int, total: float, what: str, **options: Any) -> None:
    """Sizes that are fine one by one, but not together.

    Args:
        most (int): Greatest total.
        total (float): What the sizes make.
        what (str): Name of that.
        **options: The sizes, by name.

    Raises:
        ValueError: If it is too much.
    """
    if total > most:
        sizes = ', '.join(f'{k}={_shown(v)}' for k, v in options.items())
        raise ValueError(f'{sizes} together make {total:.2g} {what}, more '
                         f'than {most:.2g}')


def _shown(option: Any) -> str:
    """Integers of thousands of digits are cut."""
    try:
        text = str(option)
    except ValueError:
        return '(a huge integer)'
    return text if len(text) <= 60 else text[:57] + '...'
