# Copyright (c) mmevad authors. All rights reserved.
"""JSON files, plain or packed."""
import gzip
import json
from typing import Any, Dict

from mmengine.fileio import exists, get

from .atomic_file import atomic_file
from .errors import DataError


def read_json(path: str) -> Dict[str, Any]:
    """Read a JSON object; a path that ends in '.gz' is unpacked.

    Args:
        path (str): Path to the file.

    Raises:
        DataError: If the file is missing, no JSON, or no object.
    """
    if not path or not exists(path):
        raise DataError(f'The file {path} does not exist; correct the path '
                        'or prepare the dataset first.')
    content = get(path)
    try:
        if str(path).endswith('.gz'):
            content = gzip.decompress(content)
        data = json.loads(content)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f'{path} is no valid JSON ({error}); it may be cut '
                        'off: write or download it again.') from error
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
