# Copyright (c) mmevad authors. All rights reserved.
"""Files that are there completely or not at all."""
import errno
import os
import os.path as osp
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator, Union

from mmengine.fileio import LocalBackend, register_backend

from .errors import DataError

PARTIAL = '.part'


def _partial(path: str) -> str:
    return f'{path}.{os.getpid()}{PARTIAL}'


def check_writable(path: Union[str, Path]) -> None:
    """Find out now, not after hours, that a file cannot be written.

    Args:
        path (str or Path): Its folder is made if needed; a file that is there
            stays as it is.

    Raises:
        DataError: If :func:`atomic_file` could not write it.
    """
    whole = osp.abspath(path)
    try:
        if osp.isdir(whole):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.makedirs(osp.dirname(whole), exist_ok=True)
        with open(_partial(whole), 'wb'):
            pass
        os.remove(_partial(whole))
    except OSError as error:
        raise DataError(f'{path} cannot be written ({error.strerror}); name a '
                        'file in a folder that can be written to.') from error


@contextmanager
def atomic_file(path: Union[str, Path]) -> Iterator[BinaryIO]:
    """A binary file to write, which takes its name once it is complete.

    Whatever ends the program, ``path`` holds the old content or the new one.
    An error inside leaves the old one. A killed process leaves
    ``<path>.<process>.part``.

    Args:
        path (str or Path): Its folder is made if needed.
    """
    path = osp.abspath(path)
    os.makedirs(osp.dirname(path), exist_ok=True)
    partial = _partial(path)
    try:
        with open(partial, 'wb') as file:
            yield file
            file.flush()
            # or a power failure could leave the name without the content
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        if osp.exists(partial):
            os.remove(partial)


@register_backend('atomic_local')
class AtomicLocalBackend(LocalBackend):
    """mmengine's local files, written by :func:`atomic_file`."""

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes to a file."""
        with atomic_file(filepath) as file:
            file.write(obj)
