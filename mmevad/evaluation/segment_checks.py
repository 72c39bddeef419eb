# Copyright (c) mmevad authors. All rights reserved.
"""Numbers for the names in segment files, and the rows that are wrong."""
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np

from mmevad.utils.errors import DataError


def number_names(names: Sequence[str], known: Dict[str, int]) -> np.ndarray:
    """Numbers of names; unknown names get numbers above the known ones.

    Args:
        names (Sequence[str]): N names.
        known (dict): Numbers by name; is not changed.

    Returns:
        np.ndarray: (N,) int64.
    """
    numbers = dict(known)
    free = max(known.values(), default=-1) + 1
    for name in dict.fromkeys(names):
        if name not in numbers:
            numbers[name] = free
            free += 1
    return np.array([numbers[name] for name in names], dtype=np.int64)


def find_bad_rows(segments: np.ndarray,
                  place: Callable[[int], str],
                  scores: Optional[np.ndarray] = None) -> List[str]:
    """One sentence per row that is not finite or ends before it starts.

    Args:
        segments (np.ndarray): (N, 2) start and end.
        place (Callable[[int], str]): Words for where a row is.
        scores (np.ndarray, optional): (N,) scores. Defaults to None.
    """
    wrong = ~(segments[:, 0] <= segments[:, 1])
    wrong |= ~np.isfinite(segments).all(axis=1)
    problems = [
        f'{place(row)}: the segment {segments[row].tolist()} is not '
        '[start, end] in seconds with start <= end; correct it.'
        for row in np.flatnonzero(wrong)
    ]
    if scores is not None:
        problems += [
            f'{place(row)}: the score is {scores[row]}; it must be a finite '
            'number.' for row in np.flatnonzero(~np.isfinite(scores))
        ]
    return problems


def number_classes(path: str, names: Sequence[str],
                   numbers: Sequence[Optional[int]],
                   classes: Optional[Sequence[str]]) -> Dict[str, int]:
    """Number of each class by name, the same for every annotation.

    Args:
        path (str): The ground truth file, for messages.
        names (Sequence[str]): Label of each annotation.
        numbers (Sequence[Optional[int]]): Its ``label_id``, None without.
        classes (Sequence[str], optional): Names by number that must be
            kept to.

    Returns:
        dict: Of the file, else of ``classes``, else by sorted names.

    Raises:
        DataError: If a name has two numbers or a name is in no class.
    """
    known = {} if classes is None else {n: i for i, n in enumerate(classes)}
    pairs = dict.fromkeys(zip(names, numbers))
    if all(number is None for _, number in pairs):
        unknown = [name for name, _ in pairs if name not in known]
        if classes is not None and unknown:
            raise DataError(
                f'{path}: {unknown[0]!r} is none of the {len(known)} classes '
                'of the dataset; correct the file or the classes.')
        return known or {n: i for i, n in enumerate(sorted(set(names)))}
    label_ids = {}
    for name, number in pairs:
        other = label_ids.setdefault(name, number)
        if other != number:
            raise DataError(f'{path}: {name!r} has the label_ids {other} and '
                            f'{number}; give it one everywhere.')
        if known.get(name, number) != number:
            raise DataError(f'{path}: {name!r} has label_id {number}, but is '
                            f'class {known[name]} of the dataset; correct '
                            'one of them.')
    return label_ids
