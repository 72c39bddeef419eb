# Copyright (c) mmevad authors. All rights reserved.
"""Options of base classes, which fail there without a word."""
from typing import Any, Mapping, Sequence, Union

from mmevad.utils.ranges import require_at_least

_MODALITIES = ('RGB', 'Flow')


def check_prefix(data_prefix: Mapping[str, Any]) -> None:
    """Folders by name.

    Raises:
        ValueError: If one is no string.
    """
    for name, prefix in data_prefix.items():
        if not isinstance(prefix, str):
            raise ValueError(f'data_prefix has {name}={prefix!r}, which is '
                             'not the name of a folder')


def check_base_options(dataset: Any) -> None:
    """What items are read with.

    Args:
        dataset (BaseDataset): Once its base class has been initialised.

    Raises:
        ValueError: If an option is out of its range.
    """
    require_at_least(0, max_refetch=dataset.max_refetch)
    modality = getattr(dataset, 'modality', 'RGB')
    if modality not in _MODALITIES:
        raise ValueError(f'modality={modality!r} is none of '
                         f'{", ".join(_MODALITIES)}')
    template = getattr(dataset, 'filename_tmpl', None)
    if template is not None:
        check_filename_tmpl(template)


def check_filename_tmpl(filename_tmpl: str) -> None:
    """Name of a frame's file: of its number, or of direction and number.

    Raises:
        ValueError: If it cannot be filled in.
    """
    for values in ((1234567, ), ('x', 1234567)):
        try:
            name = filename_tmpl.format(*values)
        except (AttributeError, IndexError, KeyError, ValueError):
            continue
        if '1234567' in name:
            return
    raise ValueError(f'filename_tmpl={filename_tmpl!r} has no field for the '
                     "number of a frame, such as in 'img_{:05}.jpg'")


def check_indices(indices: Union[int, Sequence[int], None],
                  count: int) -> None:
    """Items that ``indices`` takes from all; a number takes the first ones.

    Raises:
        ValueError: If one of them does not exist.
    """
    if indices is None or isinstance(indices, int):
        return
    for i in indices:
        if not -count <= i < count:
            raise ValueError(f'indices has {i}, but there are {count} items')
