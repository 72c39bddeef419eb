# Copyright (c) mmevad authors. All rights reserved.
"""An unpickler for torch < 2.6 that calls nothing but known functions."""
import _compat_pickle
import pickle
from types import SimpleNamespace
from typing import Any, BinaryIO, Callable, Dict


def as_pickle_module(known: Dict[str, Callable]) -> SimpleNamespace:
    """What ``torch.load(pickle_module=...)`` wants.

    Args:
        known: Full name -> callable, beside those that torch itself stores.

    Returns:
        A namespace with ``Unpickler`` and ``load``. Reading anything that
        names another callable raises ``pickle.UnpicklingError``.
    """
    from torch._weights_only_unpickler import _get_allowed_globals
    allowed = {**_get_allowed_globals(), **known}

    class Unpickler(pickle.Unpickler):

        def find_class(self, module: str, name: str) -> Any:
            # protocol 2, torch's, stores the names of Python 2
            module, name = _compat_pickle.NAME_MAPPING.get(
                (module, name),
                (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
            found = allowed.get(f'{module}.{name}')
            if found is None:
                raise pickle.UnpicklingError(
                    f'the file would call {module}.{name}, which is no plain '
                    'data; load it only if you trust where it comes from, '
                    'with torch.load, and save its state_dict anew.')
            return found

    def load(file: BinaryIO, **kwargs: Any) -> Any:
        return Unpickler(file, **kwargs).load()

    return SimpleNamespace(
        __name__='mmevad.compat.restricted_pickle',
        Unpickler=Unpickler,
        Pickler=pickle.Pickler,
        UnpicklingError=pickle.UnpicklingError,
        load=load)
