# Copyright (c) mmevad authors. All rights reserved.
"""Reading and writing checkpoints: tensors and plain data only."""
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor

from .atomic_file import atomic_file
from .errors import CheckpointError, unreadable


class Weights(NamedTuple):
    """Tensors of a checkpoint.

    Attributes:
        tensors (dict[str, Tensor]): By name.
        place (str): Where they were, for messages.
        others (list[str]): What else was there that is no tensor.
    """
    tensors: Dict[str, Tensor]
    place: str
    others: List[str]


def read_checkpoint(path: str) -> Any:
    """Read a checkpoint; no code in it is run.

    Args:
        path (str): Path or URL.

    Returns:
        What was stored, on the CPU.

    Raises:
        CheckpointError: If there is no such file, it is damaged, holds more
            than tensors and plain data, or speaks of more than it holds.
    """
    try:
        return CheckpointLoader.load_checkpoint(
            path, map_location='cpu', logger='silent')
    except FileNotFoundError as error:
        raise CheckpointError(f'cannot read the checkpoint {path}: there is '
                              'no such file') from error
    except CheckpointError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error


def find_weights(checkpoint: Any, path: str, keys: Sequence[str]) -> Weights:
    """The tensors of a checkpoint.

    Args:
        checkpoint: As it was read.
        path (str): Of the file, for messages.
        keys (list[str]): Where they may be, one in another as well; the
            first that is there counts. Otherwise at the top level.

    Raises:
        CheckpointError: If there are none.
    """
    place = []
    while isinstance(checkpoint, Mapping):
        key = next((k for k in keys if isinstance(checkpoint.get(k), Mapping)),
                   None)
        if key is None:
            break
        checkpoint, place = checkpoint[key], [*place, key]
    tensors, others = {}, []
    if isinstance(checkpoint, Mapping):
        for name, value in checkpoint.items():
            if isinstance(value, Tensor):
                tensors[str(name)] = value
            else:
                others.append(str(name))
    where = '.'.join(place) or 'the top level'
    if not tensors:
        raise CheckpointError(
            f'the checkpoint {path} holds no tensors at {where}, nor '
            f'under {" or ".join(keys)}')
    return Weights(tensors, where, others)


def save_checkpoint(checkpoint: dict, path: str) -> None:
    """Write a checkpoint; the file appears when it is complete.

    Args:
        checkpoint (dict): Tensors and plain data.
        path (str): Its folder is made if needed.
    """
    with atomic_file(path) as file:
        # to a stream: the bytes do not depend on the file's name
        torch.save(checkpoint, file)
