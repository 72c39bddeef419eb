# Copyright (c) mmevad authors. All rights reserved.
"""The name of a model -> its config and its weights."""
import hashlib
import os.path as osp
from copy import deepcopy
from difflib import get_close_matches
from glob import escape, glob
from typing import Dict, Optional, Tuple, Union

from mmengine.config import Config
from mmengine.fileio import load
from mmengine.hub import get_config

import mmevad
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.utils.zoo import NOT_PUBLISHED, find_config, metafiles, zoo_root

ModelType = Union[str, dict, Config]


def zoo_models() -> Dict[str, dict]:
    """Entries of all metafiles, by name, as ``mim search mmevad`` lists."""
    models = []
    for path in metafiles(zoo_root()):
        models += load(path)['Models']
    return {model['Name']: model for model in models}


def find_model(model: ModelType,
               weights: Optional[str] = None) -> Tuple[Config, str]:
    """Config and weights of a model.

    Args:
        model (str, dict or Config): Name in the zoo, with or without
            ``.py``; path of a config; ``mmaction::`` and the path of a
            config in mmaction2's zoo; or the config itself.
        weights (str, optional): Path or URL of the checkpoint; by default
            that of the zoo.

    Returns:
        tuple: The config, a copy, and path or URL of the checkpoint.

    Raises:
        DataError: If there is no such model; names the closest ones.
        CheckpointError: If no weights are given and the zoo has none.
    """
    if not isinstance(model, str):
        if weights is None:
            raise CheckpointError('weights must be given with a config that '
                                  'is no name of the zoo.')
        config = deepcopy(model)  # building a model uses its config up
        if not isinstance(config, Config):
            config = Config(config)
        return config, weights
    if '::' in model:
        return _of_another_zoo(model, weights)
    path = _find_config(model)
    if weights is None:
        weights = _zoo_weights(path)
    try:
        return Config.fromfile(path), weights
    except Exception as error:  # a config is code
        reason = str(error).strip().split('\n')[0]
        raise DataError(f'The config {path} cannot be read '
                        f'({type(error).__name__}: {reason}).') from error


def _find_config(model: str) -> str:
    if osp.isfile(model):
        return model
    name = osp.splitext(osp.basename(model))[0]
    names = list(zoo_models())
    if not osp.dirname(model) and name in names:
        return find_config(model)
    what = 'config' if osp.dirname(model) or model.endswith('.py') else 'model'
    close = ([known for known in names if name in known][:3]
             or get_close_matches(name, names, 3, .5))
    hint = (f'; the closest names in the zoo are {", ".join(close)}' if close
            else ', neither as a file nor in the zoo (mim search mmevad)')
    raise DataError(f'The {what} {model} does not exist{hint}.')


def _zoo_weights(path: str) -> str:
    """Checkpoint of a config of the zoo.

    Args:
        path (str): Of the config.
    """
    name = osp.splitext(osp.basename(path))[0]
    model = zoo_models().get(name)
    if model is None or not osp.samefile(
            path, osp.join(zoo_root(), model['Config'])):
        raise CheckpointError(
            f'weights must be given with the config {path}, which is not '
            'in the zoo.')
    weights = model['Weights']
    if weights.startswith(NOT_PUBLISHED):
        raise CheckpointError(
            f'The zoo has no weights of {name}; give your own as weights. '
            f'To make them: {weights[len(NOT_PUBLISHED):]}')
    return _shipped(weights) or weights


def _shipped(url: str) -> Optional[str]:
    """The same checkpoint among those that came with the package.

    Args:
        url (str): Ends in eight digits of the SHA-256 sum and ``.pth``.
    """
    package = osp.dirname(osp.abspath(mmevad.__file__))
    for root in {zoo_root(), osp.dirname(package)}:
        for path in glob(osp.join(escape(root), 'demo', '*.pth')):
            with open(path, 'rb') as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            if url.endswith(f'-{digest[:8]}.pth'):
                return path
    return None


def _of_another_zoo(model: str, weights: Optional[str]) -> Tuple[Config, str]:
    name = model if model.endswith('.py') else f'{model}.py'
    try:
        config = get_config(name, pretrained=weights is None)
    except Exception as error:  # of many kinds, up to bare assertions
        raise DataError(
            f'The config {model} does not exist; it is the name of a '
            'package, "::" and a path in its configs, as in '
            'mmaction::recognition/tsn/NAME.py.') from error
    weights = weights or config.get('model_path')
    if not weights:
        raise CheckpointError(f'weights must be given: the zoo of {model} '
                              'has none.')
    return config, weights
