# Copyright (c) mmevad authors. All rights reserved.
"""Files, plain or packed, read with a limit on what they unpack to.

A packed file of a megabyte can stand for terabytes of zeros.
"""
import gzip
import io
import lzma
import os.path as osp
import zipfile
import zlib
from typing import BinaryIO, List

from mmengine.fileio import exists, get

from .errors import DataError
from .relative_name import name_problem

_FREE = 2**26
_RATIO = 30
_CHUNK = 2**20


def unpacked_limit(packed_size: int) -> int:
    """Bytes that a packed file may unpack to.

    Annotations and features get ten to thirty times smaller, hardly more;
    small files may do what they like.

    Args:
        packed_size (int): Bytes of the file.
    """
    return max(_FREE, _RATIO * packed_size)


def check_archive_size(archive: zipfile.ZipFile, path: str) -> None:
    """Look at what the parts of a .zip, .npz or .pth file unpack to.

    Args:
        archive (ZipFile): Open.
        path (str): Its file.

    Raises:
        DataError: If it is far more than the file has bytes, or the name of
            a part leads out of it.
    """
    for part in archive.infolist():
        unusable = name_problem(part.filename)
        if unusable:
            raise DataError(f'{path} was refused: its part '
                            f'{part.filename!r} {unusable}.')
    total = sum(part.file_size for part in archive.infolist())
    limit = unpacked_limit(osp.getsize(path))
    if total > limit:
        raise DataError(
            f'{path} was refused: its {osp.getsize(path):,} bytes say that '
            f'they unpack to {total:,}, more than the {limit:,} that are '
            'allowed. Unpack it where you trust it.')


def read_file(path: str, remedy: str) -> bytes:
    """Content of a file; '.gz' and '.xz' are unpacked.

    Args:
        path (str): Path, or an address that mmengine's fileio knows.
        remedy (str): What to do if there is none, for the message.

    Raises:
        DataError: If the file is missing, no ordinary file, damaged, or
            unpacks to far more than it has bytes.
    """
    if not path or not exists(path):
        raise DataError(f'The file {path} does not exist; {remedy}.')
    # a pipe would make us wait, /dev/zero has no end
    if osp.exists(path) and not osp.isfile(path):
        raise DataError(f'{path} is no ordinary file; {remedy}.')
    content = get(path)
    ending = osp.splitext(str(path))[1]
    if ending not in ('.gz', '.xz'):
        return content
    opener = gzip.open if ending == '.gz' else lzma.open
    try:
        with opener(io.BytesIO(content)) as file:
            return _read_up_to(file, unpacked_limit(len(content)), path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f'{path} is not a readable {ending} file ({error}); '
                        'it may be cut off: write or download it '
                        'again.') from error


def _read_up_to(file: BinaryIO, limit: int, path: str) -> bytes:
    chunks, size = [], 0
    while True:
        chunk = file.read(_CHUNK)
        if not chunk:
            return b''.join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise DataError(f'{path} was refused: it unpacks to more than '
                            f'{limit:,} bytes, far more than it has. Unpack '
                            'it where you trust it.')


def read_text(path: str, remedy: str) -> str:
    """Text of a file, see :func:`read_file`.

    Raises:
        DataError: As there, and if it is not UTF-8, or begins with a byte
            order mark, which would become part of the first name.
    """
    content = read_file(path, remedy)
    try:
        text = content.decode('utf-8')
    except UnicodeDecodeError as error:
        line = content.count(b'\n', 0, error.start) + 1
        raise DataError(f'{path}, line {line}: the byte '
                        f'0x{content[error.start]:02x} is no UTF-8; save the '
                        'file in that encoding.') from None
    if text.startswith('\ufeff'):
        raise DataError(f'{path} begins with a byte order mark; save it as '
                        'UTF-8 without one.')
    if '\0' in text:
        line = text.count('\n', 0, text.index('\0')) + 1
        raise DataError(f'{path}, line {line}: there is a zero byte, which '
                        'no text has; write or download the file again.')
    return text


def read_lines(path: str, remedy: str) -> List[str]:
    """Lines of a file without their ends, see :func:`read_text`."""
    text = io.StringIO(read_text(path, remedy), newline=None)
    return [line.rstrip('\n') for line in text]
