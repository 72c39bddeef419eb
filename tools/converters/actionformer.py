# Copyright (c) mmevad authors. All rights reserved.
"""Released ActionFormer checkpoint (.pth.tar) -> checkpoint of mmevad.

Reads tensors and plain data only: a file that holds code is refused.
"""
import argparse
from typing import Dict, List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import Tensor

from mmevad.converters import convert_actionformer
from mmevad.converters.actionformer import NORMALIZER
from mmevad.utils.checkpoint import check_checkpoint, compare, weights_of
from mmevad.utils.errors import CheckpointError

KEYS = dict(ema='state_dict_ema', plain='state_dict')


def read_released(path: str, weights: Optional[str] = None) -> tuple:
    """Weights of a released file.

    Args:
        path (str): Its ``state_dict`` and ``state_dict_ema``, or bare
            weights.
        weights (str, optional): ``'ema'`` or ``'plain'``. Defaults to None:
            the average, if there is one.

    Returns:
        tuple: The state dict and where it was found.

    Raises:
        CheckpointError: If the file cannot be read, holds code, or has no
            such weights.
    """
    try:
        checkpoint = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    except Exception as error:
        raise CheckpointError(
            f'cannot read {path}, or it holds more than tensors and plain '
            f'data: {error}') from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{path} holds no state dict but a '
                              f'{type(checkpoint).__name__}')
    found = [w for w, key in KEYS.items() if key in checkpoint]
    if not found and weights in (None, 'plain'):
        key, state = 'the top level', checkpoint
    elif weights in found or (found and weights is None):
        key = KEYS[weights or found[0]]
        state = checkpoint[key]
    else:
        raise CheckpointError(f'{path} has no {KEYS[weights]}, only '
                              f'{sorted(checkpoint)[:10]}')
    state = {
        name: value
        for name, value in weights_of(state).items()
        if isinstance(value, Tensor)
    }
    if not state:
        raise CheckpointError(f'{path} holds no tensors in {key}')
    return state, key


def convert(state: Dict[str, Tensor],
            source: str,
            config: Optional[str] = None) -> Dict[str, Tensor]:
    """Rename, complete, report, and with a config compare.

    Raises:
        CheckpointError: If tensors are unknown or don't fit the model.
    """
    try:
        converted, left_out = convert_actionformer(state)
    except KeyError as error:
        raise CheckpointError(f'{source}: {error.args[0]}') from error
    print(f'{len(converted)} tensors renamed')
    print(
        f'left out, since they are computed: {", ".join(left_out) or "none"}')
    normalizer = torch.tensor(100.)
    model = None
    if config is not None:
        cfg = Config.fromfile(config)
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        model = MODELS.build(cfg.model)
        normalizer = model.head.loss_normalizer
    print(f'{NORMALIZER} is not in released files, set to '
          f'{normalizer.item():g}')
    converted[NORMALIZER] = normalizer
    if model is not None:
        difference = compare(model.state_dict(), converted)
        print(f'against {config}: '
              f'{difference if any(difference) else "all weights fit"}')
        if difference.unexpected:
            raise CheckpointError(f'{source} does not fit {config}: '
                                  f'{difference}')
        check_checkpoint(model, converted, source=source)
    return converted


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='released checkpoint')
    parser.add_argument('target', help='file to write')
    parser.add_argument(
        '--weights',
        choices=sorted(KEYS),
        help='moving average or plain weights; default: the average, if the '
        'file has one')
    parser.add_argument(
        '--config', help='config of mmevad that the weights have to fit')
    args = parser.parse_args(argv)
    try:
        state, key = read_released(args.source, args.weights)
        print(f'{args.source}: {len(state)} tensors in {key}')
        state = convert(state, args.source, args.config)
    except CheckpointError as error:
        parser.exit(1, f'error: {error}\n')
    torch.save(dict(state_dict=state, meta={}), args.target)
    print(f'{args.target}: written')


if __name__ == '__main__':
    main()
