# Copyright (c) mmevad authors. All rights reserved.
"""What the command lines of ``tools/converters`` have in common.

``SOURCE TARGET --config CONFIG [--check]``: read a released file, rename its
tensors, compare every one with the model of the config, write. What does not
fit is named and nothing is written.
"""
import argparse
import os.path as osp
from typing import Callable, List, Mapping, Optional, Sequence

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmevad.utils.checkpoint_file import (Weights, find_weights,
                                          read_checkpoint, save_checkpoint)
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.utils.zoo import find_config
from mmevad.version import __version__
from .conversion import Conversion, first_ten, misfits
from .names import NameTable


def make_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of every converter."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='released checkpoint')
    parser.add_argument('target', help='file to write')
    parser.add_argument(
        '--config',
        required=True,
        help='config that the weights have to fit: a file, or the base name '
        'of one of the zoo')
    parser.add_argument(
        '--check',
        action='store_true',
        help='load the result into the model and run a small random input '
        'through it')
    return parser


def run(parser: argparse.ArgumentParser, convert: Callable,
        argv: Optional[List[str]]) -> None:
    """Parse, convert; a wrong file is one sentence, not a traceback."""
    args = parser.parse_args(argv)
    try:
        if osp.realpath(args.source) == osp.realpath(args.target):
            raise CheckpointError('source and target are the same file '
                                  f'{args.source}')
        convert(args)
    except (CheckpointError, DataError) as error:
        parser.exit(1, f'error: {error}\n')


def read_weights(path: str, keys: Sequence[str]) -> Weights:
    """Tensors of a released file, see :func:`find_weights`."""
    weights = find_weights(read_checkpoint(path), path, keys)
    count = sum(value.numel() for value in weights.tensors.values())
    print(f'{path}: {len(weights.tensors)} tensors, {count:,} numbers in '
          f'{weights.place}')
    if weights.others:
        print(f'no tensors, ignored: {first_ten(weights.others)}')
    return weights


def model_config(name: str, kind: str) -> dict:
    """Config of the model in a config file.

    Args:
        name (str): See :func:`find_config`.
        kind (str): What its type has to be.

    Raises:
        DataError: If there is no such file.
        CheckpointError: If its model is another one.
    """
    path = find_config(name)
    cfg = Config.fromfile(path)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    found = cfg.get('model', {}).get('type')
    if found != kind:
        raise CheckpointError(f'these weights are of a model {kind}, but the '
                              f'model in {path} is {found}')
    return cfg.model


def build(config: dict) -> nn.Module:
    """Build for evaluation; the same random inputs follow each time.

    Files of pretrained weights that the config names are not opened.
    """
    torch.manual_seed(0)
    return MODELS.build(config).eval()


def report(conversion: Conversion) -> None:
    """Print what was renamed and what was left out."""
    count = sum(v.numel() for v in conversion.state_dict.values())
    print(f'{len(conversion.state_dict)} tensors renamed, {count:,} numbers')
    left_out = conversion.left_out
    print(f'left out, not of the model or computed: {len(left_out)} '
          f'({first_ten(left_out) or "none"})')


def refuse_misfits(args: argparse.Namespace, conversion: Conversion,
                   model: Mapping[str, Tensor], names: NameTable) -> None:
    """Raise if a tensor is unknown, missing or of another shape.

    Raises:
        CheckpointError: Names the first ten with both shapes.
    """
    wrong = misfits(conversion, model, names)
    if wrong:
        raise CheckpointError(f'{args.source} does not fit {args.config}, '
                              f'{len(wrong)} tensors: {first_ten(wrong)}')
    print(f'against {args.config}: all {len(model)} tensors of the model '
          'are there, names and shapes fit')


def check(model: nn.Module, state: Mapping[str, Tensor],
          trial: Callable) -> None:
    """Load weights, run a random input through the model and print what came.

    Args:
        model (nn.Module): Changed in place.
        state (dict[str, Tensor]): Known to fit; what it lacks stays.
        trial (callable): Takes the model, returns a sentence and the tensors
            that have to be finite.

    Raises:
        CheckpointError: If the trial fails, or gives NaN or infinity.
    """
    model.load_state_dict(state, strict=False)
    try:
        with torch.no_grad():
            found, outputs = trial(model)
    except (RuntimeError, ValueError) as error:
        raise CheckpointError('the weights fit, but a trial run with them '
                              f'fails: {error}') from error
    if not all(torch.isfinite(output).all() for output in outputs):
        raise CheckpointError('a trial run gives NaN or infinite numbers; '
                              'the weights are damaged')
    print(f'check: {found}, all numbers are finite')


def write(args: argparse.Namespace, state: Mapping[str, Tensor], place: str,
          **meta) -> None:
    """Write the checkpoint: ``state_dict``, and where it comes from."""
    name = osp.splitext(osp.basename(find_config(args.config)))[0]
    meta.update(
        config=name,
        converted_from=dict(file=osp.basename(args.source), weights=place),
        mmevad_version=__version__)
    save_checkpoint(dict(state_dict=dict(state), meta=meta), args.target)
    print(f'{args.target}: written')
