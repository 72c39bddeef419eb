# Copyright (c) mmevad authors. All rights reserved.
"""Reading pickled annotations without running what is in them.

``pickle.load`` calls any function that the file names. Here a file may only
build plain containers, numbers, strings and numpy arrays, and even numpy sees
nothing but raw bytes and a dtype that were checked before.
"""

import collections
import io
import pickle
from typing import Any, Dict, Optional, Tuple

import numpy as np

from .errors import DataError

_KINDS = 'biufUS'


class _DType:
    """What ``numpy.dtype(name, align, copy)`` left in a pickle."""

    def __init__(self, name: str, *_: Any) -> None:
        if not isinstance(name, str) or name[:1] not in _KINDS:
            raise DataError(f'numpy.dtype({name!r}) is not a plain number or '
                            'string type')
        self.value = np.dtype(name)

    def __setstate__(self, state: Tuple) -> None:
        # (version, byte order, sub-array, names, fields, ...)
        if any(part is not None for part in state[2:5]):
            raise DataError('structured numpy dtypes are not supported')
        if state[1] in ('<', '>'):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """What ``numpy.ndarray`` and its pickle helper left in a pickle."""

    value: Optional[np.ndarray] = None

    def __init__(self, *_: Any) -> None:
        pass  # everything that counts comes with __setstate__

    def __setstate__(self, state: Tuple) -> None:
        _, shape, dtype, fortran, data = state
        self.value = _to_array(data, dtype, shape, 'F' if fortran else 'C')


class _FromBuffer(_Array):
    """``numpy._core.numeric._frombuffer`` of pickle protocol 5."""

    def __init__(self, data: bytes, dtype: _DType, shape: Tuple,
                 order: str) -> None:
        self.value = _to_array(data, dtype, shape, order)


class _Scalar:
    """``numpy.core.multiarray.scalar``: becomes a Python number or text."""

    def __new__(cls, dtype: _DType, data: Any) -> Any:
        return _to_array(data, dtype, (), 'C').item()

    @staticmethod
    def __setstate__(state: Any) -> None:
        raise DataError('a pickle that changes what it may call')


class _Latin1:
    """``_codecs.encode``: how protocol 2 of Python 3 stores bytes."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding not in ('latin1', 'latin-1'):
            raise DataError(f'_codecs.encode with {encoding!r}')
        return text.encode('latin1')

    __setstate__ = _Scalar.__setstate__


class _NoBytes:
    """``bytes()``: how protocol 2 of Python 3 stores b''."""

    def __new__(cls) -> Any:
        return b''

    __setstate__ = _Scalar.__setstate__


def _to_array(data: Any, dtype: _DType, shape: Tuple,
              order: str) -> np.ndarray:
    """Bytes to an array that owns its memory; sizes must agree."""
    if not isinstance(dtype, _DType):
        raise DataError('an array without a numpy dtype')
    if isinstance(data, str):  # a Python 2 pickle read as latin1
        data = data.encode('latin1')
    if not isinstance(data, (bytes, bytearray)):
        raise DataError('object arrays are not supported')
    flat = np.frombuffer(data, dtype=dtype.value)
    return flat.reshape(shape, order=order).copy()


_GLOBALS = {
    ('_codecs', 'encode'): _Latin1,
    ('collections', 'OrderedDict'): collections.OrderedDict,
    ('numpy', 'ndarray'): _Array,
    ('numpy', 'dtype'): _DType,
}
for _module in ('builtins', '__builtin__'):
    _GLOBALS[_module, 'bytes'] = _NoBytes
    _GLOBALS[_module, 'set'] = set
    _GLOBALS[_module, 'frozenset'] = frozenset
for _module in ('numpy.core', 'numpy._core'):
    _GLOBALS[f'{_module}.multiarray', '_reconstruct'] = _Array
    _GLOBALS[f'{_module}.multiarray', 'scalar'] = _Scalar
    _GLOBALS[f'{_module}.numeric', '_frombuffer'] = _FromBuffer


class _RestrictedUnpickler(pickle.Unpickler):

    def find_class(self, module: str, name: str) -> Any:
        found = _GLOBALS.get((module, name))
        if found is None:
            raise DataError(
                f'it asks for {module}.{name}; only numpy arrays of numbers '
                'or text and plain containers are read, so nothing was run. '
                'Convert the file in a place where you trust it')
        return found


def _resolve(item: Any, done: Dict[int, Any]) -> Any:
    """Replace the stand-ins by the arrays that they hold.

    ``done`` maps the id of a container to its result, so that content which is
    shared a thousand times is walked once.
    """
    if isinstance(item, _Array):
        if item.value is None:
            raise DataError('an array without content')
        return item.value
    if isinstance(item, (_DType, type)):
        raise DataError('a class or dtype where data was expected')
    if not isinstance(item, (dict, list, tuple, set, frozenset)):
        return item
    if id(item) not in done:
        done[id(item)] = None  # a container inside itself reads as None
        if isinstance(item, dict):
            done[id(item)] = {
                _resolve(key, done): _resolve(val, done)
                for key, val in item.items()
            }
        else:
            done[id(item)] = type(item)(_resolve(val, done) for val in item)
    return done[id(item)]


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
        DataError: If the pickle is broken, or names any class or function
            outside the short list; nothing it names has been called then.
    """
    stream = io.BytesIO(content)
    try:
        unpickler = _RestrictedUnpickler(stream, encoding='latin1')
        return _resolve(unpickler.load(), {})
    except DataError as error:
        raise DataError(f'{source} was refused: {error}.') from None
    except Exception as error:
        raise DataError(f'{source} is not a readable pickle '
                        f'({type(error).__name__}: {error}).') from error
