# Copyright (c) mmevad authors. All rights reserved.
"""What a pickle would do, without doing any of it.

Classes and functions that the pickle names become :class:`Global`, calls of
them become :class:`Call`. Nothing is imported, called or allocated beyond
what the file itself holds; numbers that the file merely declares, such as
lengths and places in the memo, cost nothing.
"""
import pickle
from typing import (Any, BinaryIO, Callable, Dict, List, NamedTuple, Optional,
                    Tuple)

_SCALARS = (str, bytes, int, float, complex, type(None))


class Global(NamedTuple):
    """A class or function by its name; it is never looked up."""
    module: str
    name: str

    def __call__(self, *args: Any) -> 'Call':
        return Call(self, args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f'it would change {self}')

    def __str__(self) -> str:
        return f'{self.module}.{self.name}'


class Stored(NamedTuple):
    """A reference to something outside the pickle (a persistent id)."""
    key: Any


class Call:
    """A call that the pickle asks for.

    Attributes:
        function (Global): What would be called.
        args (tuple): With what.
        state (Any): What the result would be built from, if anything.
        entries (list[tuple]): Keys and values that would be set on it.
        members (list): What would be appended or added to it.
    """
    __slots__ = ('function', 'args', 'state', 'entries', 'members')

    def __init__(self, function: Global, args: Tuple) -> None:
        self.function, self.args, self.state = function, args, None
        self.entries: List[Tuple[Any, Any]] = []
        self.members: List[Any] = []

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries.append((key, value))

    def append(self, item: Any) -> None:
        self.members.append(item)

    add = append

    def extend(self, items: List[Any]) -> None:
        self.members += items


def _checked_key(key: Any) -> Any:
    """A key whose hash takes no time.

    That of nested tuples is computed anew at each level, which a few hundred
    bytes can make last for ever, or overflow the stack.
    """
    parts = key if type(key) is tuple else (key, )
    if not all(isinstance(x, (*_SCALARS, Call)) for x in parts):
        raise pickle.UnpicklingError('a key or member of a set is no number, '
                                     'text or flat tuple of such')
    return key


class _InertUnpickler(pickle._Unpickler):
    # Python's, whose memo is a dict and which reads only what is there; the
    # one in C allocates what the file declares.
    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: BinaryIO, check: Callable[[Global],
                                                         None]) -> None:
        super().__init__(stream, encoding='latin1')
        self.stream = stream
        self.check = check

    def load(self) -> Any:
        """Python's loop without its frames, which cost a third of the time.

        They only say how much to read at once.
        """
        self.read, self.readline = self.stream.read, self.stream.readline
        self.metastack: List[List[Any]] = []
        self.stack: List[Any] = []
        self.append = self.stack.append
        self.proto = 0
        read, dispatch = self.read, self.dispatch
        try:
            while True:
                code = read(1)
                if not code:
                    raise EOFError('the pickle is cut off')
                dispatch[code[0]](self)
        except pickle._Stop as stop:
            return stop.value

    def _frame(self) -> None:
        self.read(8)

    def find_class(self, module: str, name: str) -> Global:
        found = Global(str(module), str(name))
        self.check(found)
        return found

    def persistent_load(self, pid: Any) -> Stored:
        return Stored(pid)

    def _new(self) -> None:
        args = self.stack.pop()
        self._call(args)

    def _new_with_names(self) -> None:
        names = self.stack.pop()
        args = self.stack.pop()
        if names:
            raise pickle.UnpicklingError('it would call with named arguments')
        self._call(args)

    def _call(self, args: Any) -> None:
        function = self.stack.pop()
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise pickle.UnpicklingError('it would call what is no function')
        self.append(Call(function, args))

    def _bytearray(self) -> None:
        size = int.from_bytes(self.read(8), 'little')
        content = self.read(size)
        if len(content) != size:
            raise EOFError('the pickle is cut off')
        self.append(bytearray(content))

    def _set_item(self) -> None:
        _checked_key(self.stack[-2])
        self.load_setitem()

    def _set_items(self) -> None:
        for key in self.stack[::2]:
            _checked_key(key)
        self.load_setitems()

    def _dict(self) -> None:
        for key in self.stack[::2]:
            _checked_key(key)
        self.load_dict()

    def _members(self) -> None:
        for item in self.stack:
            _checked_key(item)
        self.load_additems()

    def _frozenset(self) -> None:
        for item in self.stack:
            _checked_key(item)
        self.load_frozenset()

    dispatch[pickle.FRAME[0]] = _frame
    dispatch[pickle.REDUCE[0]] = _new
    dispatch[pickle.NEWOBJ[0]] = _new
    dispatch[pickle.NEWOBJ_EX[0]] = _new_with_names
    dispatch[pickle.BYTEARRAY8[0]] = _bytearray
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = _set_items
    dispatch[pickle.DICT[0]] = _dict
    dispatch[pickle.ADDITEMS[0]] = _members
    dispatch[pickle.FROZENSET[0]] = _frozenset
    # codes of a registry that only programs fill
    for _code in (pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.NEXT_BUFFER):
        del dispatch[_code[0]]


def read_inert(stream: BinaryIO,
               check: Callable[[Global], None] = lambda found: None) -> Any:
    """Read one pickle as containers, scalars and :class:`Call`.

    Text of Python 2 is read as latin1.

    Args:
        stream (BinaryIO): Stands at the pickle, and then behind it.
        check (callable): Gets every class and function that is named, may
            raise. Defaults to none.

    Returns:
        Any: Containers may be shared and, in malformed files, hold
        themselves.

    Raises:
        Exception: Of many kinds, if it is no pickle or a damaged one.
    """
    return _InertUnpickler(stream, check).load()


CONTAINERS = (Call, Stored, Global, dict, list, tuple, set, frozenset)
# without those that hold nothing; what was read has exactly these types
_HOLDERS = frozenset(CONTAINERS) - {Global}
_TEXTS = frozenset((str, bytes, bytearray))


def children(item: Any) -> List[Any]:
    """What a container, call or reference holds, keys included."""
    if isinstance(item, Call):
        found = [*item.args, item.state, *item.members]
        for pair in item.entries:
            found += pair
        return found
    if isinstance(item, dict):
        return [*item, *item.values()]
    if isinstance(item, Stored):
        return [item.key]
    if isinstance(item, Global):
        return []
    return list(item)


def unfolded_size(root: Any, limit: int) -> int:
    """Number of items if everything shared were written out.

    A text counts by its length. A few hundred bytes can unfold to more items
    than any program could visit.

    Args:
        root (Any): Of :func:`read_inert`.
        limit (int): Counting ends there.

    Returns:
        int: At most ``limit``.

    Raises:
        pickle.UnpicklingError: If a container holds itself.
    """
    sizes: Dict[int, Optional[int]] = {}
    # an item alone, then with its children when their sizes are known
    todo = [(root, None)]
    while todo:
        item, found = todo.pop()
        if type(item) not in _HOLDERS:
            continue
        key = id(item)
        if found is not None:
            sizes[key] = 1 + sum([_own_size(x, sizes) for x in found])
            if sizes[key] >= limit:
                return limit
            continue
        if key in sizes:
            if sizes[key] is None:
                raise pickle.UnpicklingError('a container holds itself')
            continue
        sizes[key] = None
        found = children(item)
        todo.append((item, found))
        todo += [(x, None) for x in found if type(x) in _HOLDERS]
    return _own_size(root, sizes)


def _own_size(item: Any, sizes: Dict[int, Optional[int]]) -> int:
    kind = type(item)
    if kind in _HOLDERS:
        return sizes[id(item)]
    if kind in _TEXTS:
        return 1 + len(item) // 16
    return 1
