# Copyright (c) mmevad authors. All rights reserved.
"""A config and a checkpoint -> a model that is known to be the right one."""
import os.path as osp
from typing import Tuple, Union

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from mmevad.utils.checkpoint import (CheckpointError, check_checkpoint,
                                     weights_of)
from mmevad.utils.errors import DataError


def read_config(config: Union[str, Config]) -> Tuple[Config, dict]:
    """Read a config and find the dataset that it is tested on.

    Args:
        config (str or Config): With ``model`` and ``test_dataloader``; its
            ``default_scope`` is entered.

    Returns:
        tuple: The config and ``test_dataloader.dataset``, taken out of
        wrappers such as ``RepeatDataset``.

    Raises:
        DataError: If the file is missing, or one of the two in it.
    """
    if not isinstance(config, Config):
        if not osp.isfile(config):
            raise DataError(f'The config {config} does not exist.')
        config = Config.fromfile(config)
    if 'model' not in config or 'test_dataloader' not in config:
        raise DataError('The config needs model and test_dataloader, '
                        'whose dataset has the test pipeline.')
    init_default_scope(config.get('default_scope', 'mmaction'))
    dataset = config.test_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    return config, dataset


def open_device(name: str) -> torch.device:
    """A device that works.

    Raises:
        DataError: If it is unknown or not there.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DataError(f'The device {name!r} cannot be used '
                        f'({_first_line(error)}).') from error
    return device


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
        CheckpointError: If the weights are missing, cannot be read or are
            not those of the model.
    """
    if '://' not in weights and not osp.isfile(weights):
        raise CheckpointError(f'The checkpoint {weights} does not exist.')
    try:
        checkpoint = CheckpointLoader.load_checkpoint(weights, 'cpu')
    except Exception as error:
        # torch goes on to advise turning its check off
        reason = _first_line(error).split('. ')[0]
        raise CheckpointError(f'The checkpoint {weights} cannot be read '
                              f'({reason}).') from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'The checkpoint {weights} holds no weights.')
    built = MODELS.build(model)
    check_checkpoint(built, checkpoint, source=weights)
    built.load_state_dict(weights_of(checkpoint), strict=False)
    return built.to(device).eval(), checkpoint.get('meta') or {}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split('\n')[0]
