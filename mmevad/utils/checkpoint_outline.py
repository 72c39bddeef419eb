# Copyright (c) mmevad authors. All rights reserved.
"""A look into a checkpoint before PyTorch reads it.

``torch.load(weights_only=True)`` runs no code of a file, but it trusts the
sizes that the file declares: it unpacks what is a terabyte of zeros, and
allocates, or reads past the end of, storages of any size. Here a file must
have the bytes that it speaks of.
"""
import tarfile
import zipfile
from typing import Any, BinaryIO, Dict, Iterator

from .errors import CheckpointError, DataError
from .inert_pickle import (CONTAINERS, Call, Global, Stored, children,
                           read_inert, unfolded_size)
from .packed_file import check_archive_size

_ZIP = b'PK\x03\x04'
_SPARE = 2**20
# bytes of an element by the first part of the storage's name
_WIDTHS = dict(
    Double=8, Float=4, Half=2, BFloat16=2, Long=8, Int=4, Short=2, Char=1,
    Byte=1, Bool=1, ComplexDouble=16, ComplexFloat=8, QInt8=1, QUInt8=1,
    QInt32=4, QUInt4x2=1, QUInt2x4=1, Untyped=1)  # yapf: disable
# a tensor may repeat its storage (torch.expand), up to these bytes in all
_EXPANDED = 2**26


def check_outline(path: str) -> None:
    """Raise if a checkpoint speaks of more than it holds.

    Args:
        path (str): Local file in either of PyTorch's forms. One that is
            damaged passes; ``torch.load`` says so.

    Raises:
        CheckpointError: Names what is wrong.
    """
    try:
        with open(path, 'rb') as file:
            packed = file.read(len(_ZIP)) == _ZIP
            file.seek(0)
            if packed:
                _check_zip(path)
            elif tarfile.is_tarfile(path):
                # torch < 2.6 checks nothing there (CVE-2025-32434)
                raise _RefusedError('it has the form of PyTorch 0.1; save it '
                                    'anew where you trust it')
            else:
                _check_plain(file)
    except DataError as error:
        raise CheckpointError(str(error)) from None
    except _RefusedError as error:
        raise CheckpointError(f'{path} was refused: {error}') from None
    except Exception:
        # no pickle of protocol 2, or cut off: PyTorch finds the words
        return


class _RefusedError(Exception):
    """The file asks for what no checkpoint needs."""


def _check_zip(path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        check_archive_size(archive, path)
        parts: Dict[str, zipfile.ZipInfo] = {}
        for part in archive.infolist():
            # PyTorch may find either
            if part.filename.lower() in parts:
                raise _RefusedError(f'it has two parts {part.filename!r}')
            parts[part.filename.lower()] = part
        pickles = [
            x for x in parts.values() if x.filename.endswith('/data.pkl')
        ]
        for part in pickles:
            folder = part.filename[:-len('data.pkl')]
            sizes = {
                x.filename[len(folder + 'data/'):]: x.file_size
                for x in parts.values()
                if x.filename.startswith(folder + 'data/')
            }
            with archive.open(part) as file:
                _check_pickle(file, part.file_size, sizes)


def _check_plain(file: BinaryIO) -> None:
    """The older form: pickles, then the storages, one after the other."""
    size = file.seek(0, 2)
    file.seek(0)
    for _ in range(3):  # magic number, version, platform
        read_inert(file)
    _check_pickle(file, size, None)


def _check_pickle(file: BinaryIO, size: int, sizes: Any) -> None:
    outline = read_inert(file)
    limit = 100 * size + _SPARE
    if unfolded_size(outline, limit) >= limit:
        raise _RefusedError('its containers share so much that they stand '
                            f'for more than {limit:,} items')
    declared = {}
    for item in _walk(outline):
        if isinstance(item, Stored):
            key, length = _storage(item)
            held = size if sizes is None else sizes.get(key, 0)
            if length > held:
                raise _RefusedError(f'the storage {key!r} should have '
                                    f'{length:,} bytes, but there are '
                                    f'{held:,}')
            declared[key] = length
        elif isinstance(item, Call):
            _check_call(item)
    if sum(declared.values()) > max(size, sum((sizes or {}).values())):
        raise _RefusedError('its storages would take more bytes than it has')


def _walk(root: Any) -> Iterator[Any]:
    """Every container, call and reference, once."""
    seen, todo = set(), [root]
    while todo:
        item = todo.pop()
        if isinstance(item, CONTAINERS) and id(item) not in seen:
            seen.add(id(item))
            yield item
            todo += children(item)


def _storage(item: Stored) -> tuple:
    """Name and bytes of a storage."""
    key = item.key
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != 'storage':
        raise _RefusedError('it refers to what is no storage')
    kind, name, length = key[1], key[2], key[4]
    if not isinstance(kind, Global) or not isinstance(length, int):
        raise _RefusedError('a storage has no type or length')
    width = _WIDTHS.get(kind.name.replace('Storage', ''), 1)
    return str(name), length * width


def _check_call(call: Call) -> None:
    """Refuse calls that allocate by a number."""
    function, args = call.function, call.args
    name = str(function)
    wrong = False
    if name.endswith('multiarray._reconstruct'):
        # an array begins empty, its shape comes with its bytes
        wrong = len(args) != 3 or args[1] != (0, )
    elif name.endswith('multiarray.scalar'):
        wrong = len(args) != 2 or args[1] is None
    elif name in ('builtins.bytearray', '__builtin__.bytearray',
                  'builtins.bytes', '__builtin__.bytes'):
        wrong = any(isinstance(x, int) for x in args)
    elif name == 'numpy.ndarray' or name.endswith('.HistoryBuffer') or (
            function.module.startswith('torch') and name.endswith(
                ('Storage', 'Tensor'))):
        wrong = bool(args)
    elif name.startswith('torch._utils._rebuild_tensor'):
        wrong = _expanded(args)
    if wrong:
        raise _RefusedError(f'it would allocate with {name}, which no '
                            'checkpoint needs')


def _expanded(args: tuple) -> bool:
    """Whether a tensor is far larger than its storage."""
    if len(args) < 4 or not isinstance(args[0], Stored):
        return True
    _, held = _storage(args[0])
    count = 1
    for length in args[2]:
        count *= length
    # 16 bytes: the widest element
    return count > held and count * 16 > _EXPANDED
