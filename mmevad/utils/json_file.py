# Copyright (c) mmevad authors. All rights reserved.
"""JSON files, plain or packed."""
import json
import re
from typing import Any, Dict, List, Tuple

from .atomic_file import atomic_file
from .errors import DataError
from .packed_file import read_file

_SURROGATE = re.compile(r'\\u[dD][89a-fA-F]')


class _TwiceError(ValueError):
    """A key that an object has twice."""


def _to_dict(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(x for i, x in enumerate(names) if x in names[:i])
        raise _TwiceError(f'the key {twice!r} occurs twice in one object, of '
                          'which only the last would count')
    return found


def parse_json(content: bytes, path: str) -> Any:
    """Read JSON strictly.

    Args:
        content (bytes): UTF-8, -16 or -32, with or without a mark.
        path (str): The file, for messages.

    Raises:
        DataError: If it is no JSON, an object has a key twice, or a text
            cannot be written or printed.
    """
    try:
        text = content.decode(json.detect_encoding(content))
        data = json.loads(text, object_pairs_hook=_to_dict)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode()
    except _TwiceError as error:
        raise DataError(f'{path}: {error}; correct it.') from None
    except UnicodeEncodeError as error:
        raise DataError(f'{path} has a text with half a character '
                        f'({error.object[error.start]!a}); write it '
                        'again.') from None
    except RecursionError:
        raise DataError(f'{path} is nested too deep to be read; write it '
                        'flatter.') from None
    except ValueError as error:
        raise DataError(f'{path} is no valid JSON ({error}); it may be cut '
                        'off: write or download it again.') from error
    return data


def read_json(path: str) -> Dict[str, Any]:
    """Read a JSON object; a path that ends in '.gz' or '.xz' is unpacked.

    Args:
        path (str): Path to the file.

    Raises:
        DataError: If the file is missing, no JSON, no object, has a key
            twice, or unpacks to far more than it has bytes.
    """
    content = read_file(path, 'correct the path or prepare the dataset first')
    data = parse_json(content, path)
    if not isinstance(data, dict):
        raise DataError(f'{path}: the file is no JSON object.')
    return data


def write_json(path: str, content: Dict[str, Any]) -> None:
    """Write a JSON object; the file appears when it is complete.

    Args:
        path (str): Path to the file; its folder is made if needed.
        content (dict): What to write.

    Raises:
        ValueError: If a number is not finite.
    """
    # json.dump would take its slow path, written in Python
    text = json.dumps(content, allow_nan=False)
    with atomic_file(path) as file:
        file.write(text.encode())
