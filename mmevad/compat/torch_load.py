# Copyright (c) mmevad authors. All rights reserved.
"""``torch.load`` refuses the training checkpoints of mmengine.

Since torch 2.6 it reads plain data only, but mmengine stores its log buffers
and NumPy values beside the weights. These types, which do nothing when they
are read, are put on torch's list of known ones. The check itself stays on, so
a checkpoint with code of any other kind is still refused.

Older torch does not check by itself; there, it is given an unpickler that
checks against the same list. And no torch looks at the sizes that a file
declares. So mmengine's loader of local files is replaced by one that does,
and whose errors are sentences.
"""
import os.path as osp
import pickle
from argparse import Namespace
from typing import Any, Callable, Dict, Optional

import numpy
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader
from mmengine.utils import digit_version

from mmevad.utils.checkpoint_outline import check_outline
from mmevad.utils.errors import CheckpointError, unreadable
from .report import Report
from .restricted_pickle import as_pickle_module

_CHECKS_BY_ITSELF = digit_version(torch.__version__) >= digit_version('2.6.0')
# objects and structured types are left out: they hold pointers
_NUMBERS_AND_TEXT = '?bhilqpBHILQPefdgFDGSU'
# methods that mmengine stores, as getattr(class, name)
_METHODS = {
    HistoryBuffer: ('min', 'max', 'mean', 'current'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}


def _getattr(owner: Any, name: str) -> Callable:
    """``getattr`` for the methods above; anything else could run code."""
    for known, names in _METHODS.items():
        if owner is known and name in names:
            return getattr(known, name)
    raise pickle.UnpicklingError(
        f'the checkpoint asks for attribute {name!r} of {owner!r}, which is '
        'no plain data.')


def _alias(function: Callable, name: str) -> Callable:
    """``function`` under the full name that a checkpoint calls it by."""

    def call(*args):
        return function(*args)

    call.__module__, _, call.__qualname__ = name.rpartition('.')
    call.__name__ = call.__qualname__
    return call


def known_types() -> Dict[str, Callable]:
    """Full name in a checkpoint -> what it may call."""
    if digit_version(numpy.__version__) >= digit_version('2.0.0'):
        from numpy._core import multiarray
    else:
        from numpy.core import multiarray
    # Namespace: the arguments that many authors, VideoMAE's too, store
    calls = [*_METHODS, ConfigDict, Namespace, numpy.ndarray, numpy.dtype]
    calls += {type(numpy.dtype(code)) for code in _NUMBERS_AND_TEXT}
    calls.append(_alias(_getattr, 'builtins.getattr'))
    # NumPy 1 and 2 each read what the other one wrote
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        for function in (multiarray._reconstruct, multiarray.scalar):
            calls.append(_alias(function, f'{module}.{function.__name__}'))
    return {f'{call.__module__}.{call.__qualname__}': call for call in calls}


def load_checked(filename: str, map_location: Optional[str] = None) -> dict:
    """Read a local checkpoint that may hold data of known types only.

    Args:
        filename: Path of the file.
        map_location: As in ``torch.load``.

    Returns:
        The checkpoint.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it speaks of more than it holds.
        pickle.UnpicklingError: If it would call anything that is not known.
    """
    filename = osp.expanduser(filename)
    if not osp.isfile(filename):
        raise FileNotFoundError(f'{filename} can not be found.')
    check_outline(filename)
    if _CHECKS_BY_ITSELF:
        return torch.load(
            filename, map_location=map_location, weights_only=True)
    return torch.load(
        filename,
        map_location=map_location,
        pickle_module=as_pickle_module(known_types()),
        weights_only=False)


def _load_local(filename: str, map_location: Optional[str] = None) -> dict:
    """:func:`load_checked` for mmengine; all else is a CheckpointError."""
    path = osp.expanduser(filename)
    if osp.exists(path) and not osp.isfile(path):
        raise CheckpointError(f'{filename} is no ordinary file')
    try:
        return load_checked(filename, map_location)
    except (CheckpointError, FileNotFoundError):
        raise
    except Exception as error:
        raise unreadable(filename, error) from error


def apply() -> Report:
    name = 'torch.load refuses mmengine checkpoints'
    CheckpointLoader.register_scheme(
        prefixes='', loader=_load_local, force=True)
    if _CHECKS_BY_ITSELF:
        torch.serialization.add_safe_globals(list(known_types().values()))
        return Report(
            name, True, 'HistoryBuffer and plain NumPy types allow-listed; '
            'other code is still refused')
    return Report(
        name, False, 'this torch does not check by itself: mmengine\'s '
        'loader of local files now does')
