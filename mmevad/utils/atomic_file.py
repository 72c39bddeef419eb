# Copyright (c) mmevad authors. All rights reserved.
"""Files that are there completely or not at all."""
import os
import os.path as osp
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator, Union

from mmengine.fileio import LocalBackend, register_backend

PARTIAL = '.part'


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
    partial = f'{path}.{os.getpid()}{PARTIAL}'
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
