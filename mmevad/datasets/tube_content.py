# Copyright (c) mmevad authors. All rights reserved.
"""What a tube file holds, with plain types, and how it gets them."""
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np

from mmevad.utils.errors import DataError

SUBSETS = ('train', 'test', 'all')


@dataclass
class Tubes:
    """A tube file, checked; field by field as in the file."""

    labels: List[str]
    gttubes: Dict[str, Dict[int, List[np.ndarray]]]
    nframes: Dict[str, int]
    train_videos: List[List[str]]
    test_videos: List[List[str]]
    resolution: Dict[str, Tuple[int, int]]

    def subset(self, name: str, split: int = 1) -> List[str]:
        """Videos of 'train' or 'test' in one split, or 'all' with tubes.

        Args:
            name (str): 'train', 'test' or 'all'.
            split (int): Split, counted from 1; unused for 'all'.

        Raises:
            DataError: If the subset or split does not exist or is empty.
        """
        if name not in SUBSETS:
            raise DataError(f'A tube file has no subset {name!r}; choose one '
                            f'of {", ".join(SUBSETS)}.')
        if name == 'all':
            return list(self.gttubes)
        splits = dict(train=self.train_videos, test=self.test_videos)[name]
        if not 1 <= split <= len(splits) or not splits[split - 1]:
            raise DataError(
                f'The tube file lists no {name} videos for split {split}; '
                'choose another subset or split.')
        return splits[split - 1]


def tubes_of(data: Dict[str, Any], source: str) -> Tubes:
    """Plain types; nothing is rounded or parsed on the way.

    Args:
        data (dict): The content of a file that has all keys.
        source (str): The file, for messages.

    Raises:
        DataError: Names the first place that has another type.
    """

    def refuse(place: str, value: Any, expected: str) -> None:
        raise DataError(f'{source} does not have the form of a tube file: '
                        f'{place} is {_shown(value)}, expected {expected}.')

    def items(place: str, value: Any) -> List[Tuple[str, Any]]:
        if not isinstance(value, dict):
            refuse(place, value, 'a dict by video')
        for name in value:
            if not isinstance(name, str):
                refuse(f'a key of {place}', name, 'the name of a video')
        return list(value.items())

    def texts(place: str, value: Any) -> List[str]:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(value, (list, tuple)) or not all(
                isinstance(x, str) for x in value):
            refuse(place, value, 'a list of names')
        return list(value)

    def whole(place: str, value: Any) -> int:
        if isinstance(
                value,
                bool) or not isinstance(value,
                                        (int, float)) or value != value // 1:
            refuse(place, value, 'a whole number')
        return int(value)

    def tube(place: str, value: Any) -> np.ndarray:
        try:
            found = np.asarray(value)
        except ValueError:  # rows of different lengths
            refuse(place, value, 'rows of five numbers')
        if found.size and found.dtype.kind not in 'iuf':
            refuse(place, value, 'rows of five numbers')
        with np.errstate(over='ignore'):  # infinity is found later
            return found.astype(np.float32)

    def by_label(place: str, value: Any) -> Dict[int, List[np.ndarray]]:
        found: Dict[int, List[np.ndarray]] = {}
        if not isinstance(value, dict):
            refuse(place, value, 'a dict by class')
        for key, many in value.items():
            # keys of JSON are texts
            if isinstance(key, str) and re.fullmatch(r'-?\d{1,9}', key):
                key = int(key)
            label = whole(f'a key of {place}', key)
            if label in found:
                refuse(f'a key of {place}', key, 'each class once')
            if not isinstance(many, (list, tuple)):
                refuse(f'{place}[{label}]', many, 'a list of tubes')
            found[label] = [
                tube(f'{place}[{label}][{i}]', x) for i, x in enumerate(many)
            ]
        return found

    def size(place: str, value: Any) -> Tuple[int, int]:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            refuse(place, value, '(height, width)')
        return whole(place, value[0]), whole(place, value[1])

    def splits(place: str) -> List[List[str]]:
        value = data.get(place, [])
        if not isinstance(value, (list, tuple)):
            refuse(place, value, 'a list of splits')
        return [texts(f'{place}[{i}]', x) for i, x in enumerate(value)]

    def mapped(key: str, convert: Any) -> Dict[str, Any]:
        return {
            video: convert(f'{key}[{video!r}]', value)
            for video, value in items(key, data[key])
        }

    return Tubes(
        labels=texts('labels', data['labels']),
        gttubes=mapped('gttubes', by_label),
        nframes=mapped('nframes', whole),
        resolution=mapped('resolution', size),
        train_videos=splits('train_videos'),
        test_videos=splits('test_videos'))


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float)) else ''
    text = text if len(text) <= 60 else f'{text[:60]}...'
    return f'{type(value).__name__} {text}'.strip()
