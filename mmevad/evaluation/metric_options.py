# Copyright (c) mmevad authors. All rights reserved.
"""Options that metrics should not fail at after hours of prediction."""
from typing import Sequence, Union

from mmevad.utils.ranges import require_between, require_positive, require_some

_DEVICES = ('cpu', 'gpu', 'npu')  # of mmengine's collect_results


def check_device(collect_device: str) -> None:
    """Where results of all processes are collected.

    Raises:
        ValueError: If mmengine does not know it.
    """
    if collect_device not in _DEVICES:
        raise ValueError(f'collect_device={collect_device!r} is none of '
                         f'{", ".join(_DEVICES)}')


def check_thresholds(**options: Union[float, Sequence[float], None]) -> None:
    """Overlaps from which on a prediction counts, by name.

    Raises:
        ValueError: If there are none, or one is not in (0, 1].
    """
    for name, values in options.items():
        if values is None:
            continue
        require_some(**{name: values})
        require_positive(**{name: values})
        require_between(0, 1, **{name: values})
