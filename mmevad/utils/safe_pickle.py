# Copyright (c) mmevad authors. All rights reserved.
"""Reading pickled annotations without running what is in them.

``pickle.load`` calls any function that the file names. Here a file may only
hold plain containers, numbers, strings and numpy arrays, and even numpy sees
nothing but raw bytes and a dtype that were checked before. What is made takes
not much more memory than the file.
"""
import collections
import gc
import io
import re
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Tuple

import numpy as np

from .errors import DataError
from .inert_pickle import Call, Global, Stored, read_inert, unfolded_size

_PLAIN = re.compile(r'[biufUS]\d{1,6}')
# beside what the file holds, for files of a few bytes
_SPARE = 2**20


def _names(modules: Tuple[str, ...], name: str) -> Dict[Global, str]:
    return {Global(module, name): name for module in modules}


_NUMPY = ('numpy.core.multiarray', 'numpy._core.multiarray')
_NUMERIC = ('numpy.core.numeric', 'numpy._core.numeric')
_BUILTINS = ('builtins', '__builtin__')
_KNOWN = {
    **_names(('_codecs', ), 'encode'),
    **_names(('collections', ), 'OrderedDict'),
    **_names(('numpy', ), 'ndarray'),
    **_names(('numpy', ), 'dtype'),
    **_names(_NUMPY, '_reconstruct'),
    **_names(_NUMPY, 'scalar'),
    **_names(_NUMERIC, '_frombuffer'),
    **_names(_BUILTINS, 'bytes'),
    **_names(_BUILTINS, 'set'),
    **_names(_BUILTINS, 'frozenset'),
}


def _refuse_unknown(found: Global) -> None:
    if found not in _KNOWN:
        raise DataError(
            f'it asks for {found}; only numpy arrays of numbers or text and '
            'plain containers are read, so nothing was run. Convert the file '
            'in a place where you trust it')


class _Builder:
    """Turns what was read into data.

    Args:
        size (int): Bytes of the file. Arrays and bytes together take at most
            twice that, though a file may name the same bytes a thousand
            times.
    """

    def __init__(self, size: int) -> None:
        self.left = 2 * size + _SPARE
        self.done: Dict[int, Any] = {}

    def build(self, item: Any) -> Any:
        """Data for an item; what is shared is built once."""
        if isinstance(item, Global):
            raise DataError('a class or dtype where data was expected')
        if isinstance(item, Stored):
            raise DataError('a reference to something outside the file')
        if not isinstance(item, (dict, list, tuple, set, frozenset, Call)):
            return item
        if id(item) not in self.done:
            self.done[id(item)] = self._build(item)
        return self.done[id(item)]

    def _build(self, item: Any) -> Any:
        if isinstance(item, Call):
            if item.members or (item.entries
                                and item.function.name != 'OrderedDict'):
                raise DataError(f'items were put into {item.function}')
            return getattr(self, f'_{item.function.name.strip("_")}')(item)
        if isinstance(item, dict):
            return {
                self.build(key): self.build(value)
                for key, value in item.items()
            }
        return type(item)(self.build(x) for x in item)

    def _take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise DataError('it would take far more memory than the file has '
                            'bytes')

    # one method for each of the names above

    def _encode(self, call: Call) -> bytes:
        """How protocol 2 of Python 3 stores bytes."""
        text, encoding = call.args
        if encoding not in ('latin1', 'latin-1'):
            raise DataError(f'_codecs.encode with {encoding!r}')
        self._take(len(text))
        return text.encode('latin1')

    def _bytes(self, call: Call) -> bytes:
        """How protocol 2 of Python 3 stores b''."""
        if call.args:
            raise DataError('bytes() with arguments')
        return b''

    def _set(self, call: Call) -> Any:
        (members, ) = call.args or ([], )
        if not all(isinstance(x, (str, int, float, Call)) for x in members):
            raise DataError('a member of a set is no number or text')
        kind = frozenset if call.function.name == 'frozenset' else set
        return kind(self.build(x) for x in members)

    _frozenset = _set

    def _OrderedDict(self, call: Call) -> Dict:
        pairs = list(call.args[0]) if call.args else []
        if not all(isinstance(key, (str, int, float)) for key, _ in pairs):
            raise DataError('a key is no number or text')
        return collections.OrderedDict(
            (key, self.build(value)) for key, value in pairs + call.entries)

    def _ndarray(self, call: Call) -> None:
        raise DataError('an array without content')

    def _dtype(self, call: Call) -> None:
        raise DataError('a class or dtype where data was expected')

    def _reconstruct(self, call: Call) -> np.ndarray:
        if call.state is None:
            raise DataError('an array without content')
        _, shape, dtype, fortran, data = call.state
        return self._to_array(data, dtype, shape, 'F' if fortran else 'C')

    def _frombuffer(self, call: Call) -> np.ndarray:
        """Arrays of pickle protocol 5."""
        data, dtype, shape, order = call.args
        return self._to_array(data, dtype, shape, order)

    def _scalar(self, call: Call) -> Any:
        dtype, data = call.args
        return self._to_array(data, dtype, (), 'C').item()

    def _to_array(self, data: Any, dtype: Any, shape: Tuple,
                  order: str) -> np.ndarray:
        """Bytes to an array that owns its memory; sizes must agree."""
        kind = _to_dtype(dtype)
        data = self.build(data)
        if isinstance(data, str):  # a Python 2 pickle read as latin1
            data = data.encode('latin1')
        if not isinstance(data, (bytes, bytearray)):
            raise DataError('object arrays are not supported')
        self._take(len(data))
        flat = np.frombuffer(data, dtype=kind)
        return flat.reshape(shape, order=order).copy()


def _to_dtype(call: Any) -> np.dtype:
    """What ``numpy.dtype(name, align, copy)`` stands for."""
    if not isinstance(call, Call) or call.function.name != 'dtype':
        raise DataError('an array without a numpy dtype')
    name = call.args[0]
    if not isinstance(name, str) or not _PLAIN.fullmatch(name):
        raise DataError(f'numpy.dtype({str(name)[:20]!r}) is not a plain '
                        'number or string type')
    found = np.dtype(name)
    if call.state is not None:
        # (version, byte order, sub-array, names, fields, ...)
        if any(part is not None for part in call.state[2:5]):
            raise DataError('structured numpy dtypes are not supported')
        if call.state[1] in ('<', '>'):
            found = found.newbyteorder(call.state[1])
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare Python's garbage collector.

    It would look through all objects of the program whenever there are a
    quarter more, which takes as long as the reading itself.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def safe_pickle_loads(content: bytes, source: str) -> Any:
    """Unpickle containers, numbers, strings and numpy arrays.

    Pickles of Python 2 (text read as latin1) and 3 are read, protocols 0
    to 5. Numpy scalars come back as Python numbers and strings.

    Args:
        content (bytes): The pickle.
        source (str): The file's name, for messages.

    Returns:
        Any: The pickled object.

    Raises:
        DataError: If the pickle is broken, names any class or function
            outside the short list, or stands for far more data than it has
            bytes; nothing it names has been called then.
    """
    stream = io.BytesIO(content)
    try:
        with _no_collection():
            outline = read_inert(stream, _refuse_unknown)
            behind = len(content) - stream.tell()
            if behind:
                raise DataError(f'{behind} bytes follow the end of the pickle')
            limit = 100 * len(content) + _SPARE
            if unfolded_size(outline, limit) >= limit:
                raise DataError('its containers share so much that they stand '
                                f'for more than {limit:,} items')
            return _Builder(len(content)).build(outline)
    except DataError as error:
        raise DataError(f'{source} was refused: {error}.') from None
    except Exception as error:
        reason = str(error)[:200]
        raise DataError(f'{source} is not a readable pickle '
                        f'({type(error).__name__}: {reason}).') from error
