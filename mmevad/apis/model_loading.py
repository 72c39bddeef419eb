# Copyright (c) mmevad authors. All rights reserved.
"""A config and a checkpoint -> a model that is known to be the right one."""
from typing import Any, Dict, List, Optional, Tuple
from urllib.error import URLError

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from torch import Tensor, nn

from mmevad.utils.checkpoint import check_checkpoint, weights_of
from mmevad.utils.checkpoint_file import read_checkpoint
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.utils.memory import keep_freed_memory


def find_test_dataset(config: Config) -> dict:
    """Find the dataset that a config is tested on.

    Args:
        config (Config): With ``model`` and ``test_dataloader``; its
            ``default_scope`` is entered.

    Returns:
        dict: ``test_dataloader.dataset``, taken out of wrappers such as
        ``RepeatDataset``.

    Raises:
        DataError: If one of the two is missing.
    """
    if 'model' not in config or 'test_dataloader' not in config:
        raise DataError('The config needs model and test_dataloader, '
                        'whose dataset has the test pipeline.')
    init_default_scope(config.get('default_scope', 'mmaction'))
    dataset = config.test_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset


def open_device(name: Optional[str]) -> torch.device:
    """A device that works.

    Args:
        name (str, optional): Such as 'cpu' or 'cuda:1'; None means CUDA if
            there is any, else the CPU.

    Raises:
        DataError: If it is unknown or not there.
    """
    if name is None:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().split('\n')[0]
        raise DataError(f'The device {name!r} cannot be used '
                        f'({reason}).') from error
    if device.type == 'cpu':
        keep_freed_memory()
    return device


def build_part(registry: Registry, config: dict, what: str) -> Any:
    """Build what a config describes.

    Args:
        registry (Registry): Where its type is registered.
        config (dict): With ``type`` and arguments.
        what (str): What it is, for the message.

    Raises:
        DataError: If the type is unknown or does not take the arguments.
    """
    try:
        return registry.build(config)
    except Exception as error:  # each part has its own kinds
        kind = config.get('type') if isinstance(config, dict) else config
        reason = str(error).strip("'\" \n").split('\n')[0].split('. ')[0]
        raise DataError(f'The {what} {kind} of the config cannot be built '
                        f'({type(error).__name__}: {reason}).') from error


def load_model(model: dict, weights: str,
               device: torch.device) -> Tuple[nn.Module, dict]:
    """Build a model and load all of its weights.

    Args:
        model (dict): Config of the model.
        weights (str): Checkpoint, a file or a URL.
        device (torch.device): Where to put it.

    Returns:
        tuple: The model in evaluation mode, and ``meta`` of the checkpoint.

    Raises:
        DataError: If the model cannot be built.
        CheckpointError: If the weights are missing, cannot be read, are not
            those of the model, or are NaN or infinite.
    """
    try:
        checkpoint = read_checkpoint(weights)
    except CheckpointError as error:
        cause = error.__cause__
        if isinstance(cause, URLError):
            raise CheckpointError(
                f'cannot download the checkpoint {weights} ({cause}); check '
                'the network, or give a file as weights') from cause
        raise
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'The checkpoint {weights} holds no weights.')
    built = build_part(MODELS, model, 'model')
    check_checkpoint(built, checkpoint, source=weights)
    check_finite(weights_of(checkpoint), weights)
    built.load_state_dict(weights_of(checkpoint), strict=False)
    return built.to(device).eval(), checkpoint.get('meta') or {}


def check_finite(state: Dict[str, Tensor], source: str) -> None:
    """Raise if weights are no numbers: the model would find nothing.

    Args:
        state (dict): Name to weights.
        source (str): Where they come from, for the message.

    Raises:
        CheckpointError: Names the first of them.
    """
    wrong = [
        name for name, x in state.items()
        if isinstance(x, Tensor) and not x.isfinite().all()
    ]
    if wrong:
        raise CheckpointError(
            f'The checkpoint {source} is of no use: {wrong[0]}, one of '
            f'{len(wrong)} such weights of {len(state)}, is NaN or infinite; '
            'its training has diverged, so take an earlier one.')


def stored_classes(meta: dict) -> Optional[List[str]]:
    """Names of the classes in ``meta`` of a checkpoint, if it has any."""
    return (meta.get('dataset_meta') or {}).get('classes')
