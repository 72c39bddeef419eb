# Copyright (c) mmevad authors. All rights reserved.
"""Groups of classes whose mAP is reported."""
from typing import Dict, Sequence, Set

from mmevad.utils.errors import DataError

Groups = Dict[str, Sequence[int]]

# First and last action of AVA's three kinds. All six are among the 60 that
# are evaluated.
_AVA = dict(
    person_movement=((1, 'bend/bow (at the waist)'), (14, 'walk')),
    object_manipulation=((15, 'answer phone'), (63, 'write')),
    person_interaction=((64, 'fight/hit (a person)'), (80,
                                                       'watch (a person)')))


def ava_groups(names: Dict[int, str], known: Set[int]) -> Groups:
    """Action ids of AVA's groups; none if the classes are not AVA's.

    Args:
        names (dict[int, str]): Classes of a label map by id.
        known (set[int]): Evaluated ids; groups without any are left out.
    """
    ends = [end for pair in _AVA.values() for end in pair]
    if any(names.get(i, '').strip().lower() != name for i, name in ends):
        return {}
    groups = {
        name: range(first, last + 1)
        for name, ((first, _), (last, _)) in _AVA.items()
    }
    return {name: ids for name, ids in groups.items() if known & set(ids)}


def check_groups(groups: Groups, known: Set[int], source: str) -> None:
    """Look at groups of a config.

    Args:
        groups (dict[str, Sequence[int]]): Action ids by name.
        known (set[int]): Evaluated ids.
        source (str): The label map, for messages.

    Raises:
        DataError: If a group is empty, has the name of another metric, or an
            id that is not evaluated.
    """
    for name, ids in groups.items():
        if name == 'overall' or not ids:
            raise DataError(f'groups has {name!r}: {ids!r}; give each group a '
                            'name of its own and a list of the ids of its '
                            'classes.')
        for i in ids:
            if i not in known:
                raise DataError(
                    f'groups[{name!r}] has the id {i!r}, which is none of '
                    f'the {len(known)} evaluated classes of {source}; '
                    'correct it.')
