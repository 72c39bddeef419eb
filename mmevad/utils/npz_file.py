# Copyright (c) mmevad authors. All rights reserved.
"""Arrays of an .npz file, none larger than what is there."""
import zipfile
from typing import BinaryIO, Dict, Optional

import numpy as np

from .errors import DataError
from .packed_file import check_archive_size

_ENDING = '.npy'


def read_npz(path: str, key: Optional[str] = None) -> Dict[str, np.ndarray]:
    """Read one array or all.

    ``np.load`` allocates whatever shape a part declares; here a part must
    have the bytes, and the parts together not unpack to far more than the
    file has. No objects are unpickled.

    Args:
        path (str): File.
        key (str, optional): The array to read. Defaults to None, which means
            all.

    Returns:
        dict[str, np.ndarray]: Arrays by name.

    Raises:
        DataError: If the file is damaged, refused, or lacks the array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive_size(archive, path)
            parts = {}
            for part in archive.infolist():
                name = part.filename
                name = name[:-4] if name.endswith(_ENDING) else name
                if name in parts:
                    raise DataError(f'{path} has the array {name!r} twice; '
                                    'write it again.')
                parts[name] = part
            if key is not None and key not in parts:
                raise DataError(f'{path} has no array {key!r}, but '
                                f'{list(parts)[:5]}; set feat_key.')
            found = {}
            for name in parts if key is None else [key]:
                with archive.open(parts[name]) as file:
                    found[name] = _read_array(file, parts[name].file_size)
            return found
    except DataError:
        raise
    except Exception as error:  # whatever a damaged file makes a reader say
        raise DataError(f'{path} cannot be read as .npz ({error}); write or '
                        'download it again.') from error


def _read_array(file: BinaryIO, size: int) -> np.ndarray:
    """The array of a part of ``size`` bytes."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f'the version {version} of .npy is unknown')
    shape, fortran, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError('it holds Python objects, which are not read')
    expected = dtype.itemsize
    for length in shape:
        expected *= length
    if expected > size:
        raise ValueError(f'the shape {shape} of {dtype} needs {expected:,} '
                         f'bytes, but there are {size:,}')
    content = file.read(expected)
    flat = np.frombuffer(content, dtype)
    return flat.reshape(shape, order='F' if fortran else 'C').copy()
