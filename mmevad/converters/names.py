# Copyright (c) mmevad authors. All rights reserved.
"""Names of released tensors and ours, one table for both directions."""
import re
from typing import Dict, List, Sequence, Tuple


def _pattern(template: str) -> 're.Pattern':
    ends = '' if template.endswith('.') else '$'
    return re.compile(re.escape(template).replace(r'\*', r'(\d+)') + ends)


class NameTable:
    """Renames tensors by the beginnings of their names.

    Args:
        pairs (list[tuple[str]]): Released beginning and ours, in which ``*``
            stands for a number; both have as many. A beginning without a
            point at its end is a whole name. The first that fits counts.
    """

    def __init__(self, pairs: Sequence[Tuple[str, str]]) -> None:
        for pair in pairs:
            if pair[0].count('*') != pair[1].count('*'):
                raise ValueError(f'{pair} differ in their numbers')
        self._to_ours = [(_pattern(a), b) for a, b in pairs]
        self._to_released = [(_pattern(b), a) for a, b in pairs]

    @staticmethod
    def _rename(name: str, table: List[tuple]) -> str:
        for pattern, template in table:
            match = pattern.match(name)
            if match:
                for number in match.groups():
                    template = template.replace('*', number, 1)
                return template + name[match.end():]
        raise KeyError(name)

    def ours(self, name: str) -> str:
        """Our name of a released tensor.

        Raises:
            KeyError: If no beginning fits.
        """
        return self._rename(name, self._to_ours)

    def released(self, name: str) -> str:
        """Released name of one of our tensors.

        Raises:
            KeyError: If no beginning fits.
        """
        return self._rename(name, self._to_released)


def within(released: str, ours: str,
           names: Dict[str, str]) -> List[Tuple[str, str]]:
    """Pairs of a :class:`NameTable` that share their beginnings."""
    return [(released + a, ours + b) for a, b in names.items()]
