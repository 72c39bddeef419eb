# Copyright (c) mmevad authors. All rights reserved.
"""Ways in which files go wrong, as hypothesis draws them."""
import copy
import json
import math
from typing import Any, Callable, List, Tuple

from hypothesis import strategies as st

# what stands where something else was expected
VALUES = [
    None, True, False, 0, 1, -1, 0.5, -0.5, 2, 10**9, 2**31, 2**63, 10**400,
    1e308, -1e308, math.nan, math.inf, -math.inf, '', ' ', '0', '1', '1.0',
    'nan', 'training', 'run', 'Füße', '跑', '\u202e', '\x00', 'a\nb', '../a',
    '/etc', 'C:\\a', 'a' * 300, '\ud800', [], {}, [[]], [1], [1, 2], [2., 1.],
    [1, 2, 3], {
        'a': 1
    }, [None, 1], ['1', '2'], [math.nan, 1.]
]
NAMES = ['x', '', 'subset', 'segment', 'Label', 'label ', '../x', '0', 'fps',
         'video', '\ufeff', 'results', 'database']  # yapf: disable
CELLS = ['', ' ', 'nan', 'inf', '-inf', '-1', '0', '1', '1.5', '1e3', '1_0',
         '٣', '0x10', '9' * 30, '9' * 5000, '99999', '../a', '/a', 'a b',
         '"', '"a', 'a\x00', '\ufeff', '0.3', '1.01', '-0.01', '2,2',
         'x\r']  # yapf: disable


def _places(tree: Any, found: List[Tuple], parent: Any = None) -> List[Tuple]:
    """(container, key) of everything in a tree."""
    items = (
        tree.items() if isinstance(tree, dict) else
        enumerate(tree) if isinstance(tree, list) else ())
    for key, value in items:
        found.append((tree, key))
        _places(value, found)
    return found


@st.composite
def trees(draw: Callable, base: Any, most: int = 3) -> Any:
    """A copy of a tree of dicts and lists with up to ``most`` changes."""
    tree = copy.deepcopy(base)
    for _ in range(draw(st.integers(0, most))):
        places = _places(tree, [])
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        value = holder[key]
        kind = draw(
            st.sampled_from(
                ['replace', 'remove', 'rename', 'again', 'swap', 'empty']))
        if kind == 'remove':
            del holder[key]
        elif kind == 'rename' and isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES))] = holder.pop(key)
        elif kind == 'again' and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(value))
        elif kind == 'again':
            holder[f'{key}_2'] = copy.deepcopy(value)
        elif kind == 'swap' and isinstance(value, list):
            value.reverse()
        elif kind == 'empty' and isinstance(value, (list, dict)):
            value.clear()
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return tree


@st.composite
def tables(draw: Callable, base: str, most: int = 3) -> str:
    """Text with cells, separated by commas or blanks, that are changed."""
    rows = base.split('\n')
    for _ in range(draw(st.integers(0, most))):
        if not rows:
            break
        number = draw(st.integers(0, len(rows) - 1))
        separator = ',' if ',' in rows[number] else ' '
        cells = rows[number].split(separator)
        place = draw(st.integers(0, len(cells) - 1))
        kind = draw(
            st.sampled_from([
                'replace', 'remove', 'more', 'swap', 'row twice', 'no row',
                'cut'
            ]))
        if kind == 'replace':
            cells[place] = draw(st.sampled_from(CELLS))
        elif kind == 'remove':
            del cells[place]
        elif kind == 'more':
            cells.insert(place, draw(st.sampled_from(CELLS)))
        elif kind == 'swap':
            other = draw(st.integers(0, len(cells) - 1))
            cells[place], cells[other] = cells[other], cells[place]
        elif kind == 'row twice':
            rows.insert(number, rows[number])
        elif kind == 'no row':
            del rows[number]
            continue
        else:
            del cells[place:]
        rows[number] = separator.join(cells)
    return '\n'.join(rows)


@st.composite
def encoded(draw: Callable, text: str) -> bytes:
    """Text as other programs write it."""
    ends = draw(st.sampled_from(['\n', '\n', '\n', '\r\n', '\r']))
    kind = draw(
        st.sampled_from(['utf-8'] * 6 +
                        ['utf-8-sig', 'utf-16', 'latin-1', 'cp1252']))
    return text.replace('\n', ends).encode(kind, 'replace')


def to_json(tree: Any) -> bytes:
    """With NaN, infinity and half characters, as Python writes them."""
    return json.dumps(tree).encode()


@st.composite
def damaged(draw: Callable, raw: bytes, most: int = 2) -> bytes:
    """Bytes flipped, cut off, inserted, repeated, or none of it."""
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        kind = draw(
            st.sampled_from([
                'flip', 'flip', 'cut', 'insert', 'drop', 'garbage', 'empty',
                'again'
            ]))
        if kind == 'flip' and raw:
            bit = 1 << draw(st.integers(0, 7))
            raw = raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1:]
        elif kind == 'cut':
            raw = raw[:at]
        elif kind == 'insert':
            raw = raw[:at] + draw(st.binary(min_size=1, max_size=4)) + raw[at:]
        elif kind == 'drop':
            raw = raw[:at] + raw[at + 1:]
        elif kind == 'garbage':
            raw += draw(st.binary(min_size=1, max_size=20))
        elif kind == 'again':
            raw += raw
        elif kind == 'empty' and draw(st.integers(0, 9)) == 0:
            raw = b''
    return raw
