# Copyright (c) mmevad authors. All rights reserved.
"""Does this checkpoint belong to this model?

mmengine loads what fits and only warns about the rest, so testing with the
checkpoint of another model gives random results without an error. The hook
below makes it one.
"""
from operator import attrgetter
from typing import Dict, Mapping, NamedTuple, Tuple

import torch.nn as nn
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from .errors import CheckpointError

SHOWN = 10


class Difference(NamedTuple):
    """Names of weights that only one side has, or in another shape."""
    missing: Tuple[str, ...]
    unexpected: Tuple[str, ...]
    reshaped: Tuple[str, ...]

    def __str__(self) -> str:
        parts = []
        for names, what in ((self.missing, 'missing'), (self.reshaped,
                                                        'of another shape'),
                            (self.unexpected, 'unknown to the model')):
            if names:
                more = '' if len(names) <= SHOWN else ', ...'
                parts.append(f'{len(names)} {what} '
                             f'({", ".join(names[:SHOWN])}{more})')
        return '; '.join(parts)


def weights_of(checkpoint: Mapping) -> Dict[str, Tensor]:
    """The state dict of a checkpoint, without DDP's ``module.`` prefix.

    Raises:
        CheckpointError: If there is none.
    """
    state = checkpoint.get('state_dict', checkpoint)
    if not isinstance(state, Mapping) or not all(
            isinstance(name, str) for name in state):
        raise CheckpointError('the checkpoint has no weights by name')
    prefix = 'module.'
    return {
        name[len(prefix):] if name.startswith(prefix) else name: value
        for name, value in state.items()
    }


def compare(model: Mapping[str, Tensor],
            checkpoint: Mapping[str, Tensor]) -> Difference:
    """Compare two state dicts by name and shape.

    Counters of batch normalisation may be missing: old checkpoints have none.
    """
    missing = (
        name for name in model
        if name not in checkpoint and 'num_batches_tracked' not in name)
    unexpected = (name for name in checkpoint if name not in model)
    reshaped = (name for name, value in model.items() if name in checkpoint
                and value.shape != getattr(checkpoint[name], 'shape', None))
    return Difference(tuple(missing), tuple(unexpected), tuple(reshaped))


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside DDP or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def check_requirements(model: nn.Module, checkpoint: Mapping,
                       source: str) -> None:
    """Raise if a setting differs that the weights were trained with.

    Args:
        model: The model.
        checkpoint: ``meta.requires``, if there, has paths of attributes and
            their values, such as
            ``{'context_decoder.token_order': 'importance'}``.
        source: What to call the checkpoint in the message.

    Raises:
        CheckpointError: Names the setting and how to change it.
    """
    meta = checkpoint.get('meta')
    requires = meta.get('requires') if isinstance(meta, Mapping) else None
    if not isinstance(requires, (Mapping, type(None))):
        raise CheckpointError(f'{source}: meta.requires is no dict')
    for path, value in (requires or {}).items():
        try:
            found = attrgetter(path)(model)
        except (AttributeError, TypeError) as error:
            raise CheckpointError(f'{source} asks for the setting {path!r}, '
                                  'which the model does not have') from error
        if found != value:
            raise CheckpointError(
                f'{source} was trained with {path}={value!r}, but the config '
                f'has {found!r}, which gives other results. Set '
                f'model.{path}={value!r} in the config, or --cfg-options '
                f'model.{path}={value}.')


def check_checkpoint(model: nn.Module,
                     checkpoint: Mapping,
                     *,
                     source: str = 'the checkpoint',
                     partial: bool = False) -> None:
    """Raise if a checkpoint is not one of this model, or not as configured.

    Args:
        model: The model, wrapped or not.
        checkpoint: As read from a file.
        source: What to call the checkpoint in the message.
        partial: Accept one that holds only some of the weights, as the
            backbone that training starts from.

    Raises:
        CheckpointError: If a weight of the model is missing or has another
            shape, or a setting differs that they were trained with; with
            ``partial``, if no weight is shared at all.
    """
    model = unwrap(model)
    own, given = model.state_dict(), weights_of(checkpoint)
    difference = compare(own, given)
    if partial:
        if not any(name in own for name in given):
            raise CheckpointError(
                f'{source} has no weight in common with the model '
                f'{type(model).__name__}, so nothing would be loaded: '
                f'{difference}. Set load_from to weights of this model or of '
                'its backbone (converted, with names that start with '
                '"backbone.").')
    elif difference.missing or difference.reshaped:
        raise CheckpointError(
            f'{source} is not a checkpoint of the model '
            f'{type(model).__name__} in this config, weights do not match: '
            f'{difference}. Use the config that the checkpoint was trained '
            'with.')
    else:
        check_requirements(model, checkpoint, source)


@HOOKS.register_module()
class CheckCheckpointHook(Hook):
    """Calls :func:`check_checkpoint` on whatever the runner loads.

    Args:
        partial: As there. A checkpoint that is resumed must be complete.
    """

    # before EMAHook, which already loads what it finds
    priority = 'VERY_HIGH'

    def __init__(self, partial: bool = False) -> None:
        self.partial = partial

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        check_checkpoint(
            runner.model,
            checkpoint,
            source=str(runner._load_from or 'the checkpoint'),
            partial=self.partial and not runner._resume)
