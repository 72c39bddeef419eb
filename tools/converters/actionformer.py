# Copyright (c) mmevad authors. All rights reserved.
"""Released ActionFormer checkpoint (.pth.tar) -> checkpoint of mmevad.

    python tools/converters/actionformer.py RELEASED OUT.pth --config CONFIG

Reads tensors and plain data only: a file that holds code is refused.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from torch import nn

from mmevad.converters import cli
from mmevad.converters.actionformer import (NAMES, NORMALIZER,
                                            rename_actionformer_state)
from mmevad.utils.checkpoint_file import Weights
from mmevad.utils.errors import CheckpointError

KEYS = dict(ema='state_dict_ema', plain='state_dict')
LENGTH = 50


def read(path: str, which: Optional[str]) -> Weights:
    """The average if there is one, or what ``--weights`` asks for.

    Raises:
        CheckpointError: If the file cannot be read or has no such weights.
    """
    keys = list(KEYS.values()) if which is None else [KEYS[which]]
    weights = cli.read_weights(path, keys)
    if which == 'ema' and weights.place != KEYS['ema']:
        raise CheckpointError(f'{path} has no {KEYS["ema"]}, only weights '
                              f'in {weights.place}')
    return weights


def trial(model: nn.Module) -> tuple:
    """Run random features through the model."""
    feats = torch.randn(model.neck.in_channels, LENGTH)
    logits, distances, _ = model([feats], mode='tensor')
    text = (f'{LENGTH} features of {len(feats)} numbers give scores of '
            f'{logits[0].size(-1)} classes on {len(logits)} levels')
    return text, (*logits, *distances)


def convert(args: argparse.Namespace) -> None:
    weights = read(args.source, args.weights)
    conversion = rename_actionformer_state(weights.tensors)
    cli.report(conversion)
    model = cli.build(cli.model_config(args.config, 'ActionFormer'))
    own = model.state_dict()
    normalizer = own.pop(NORMALIZER)
    cli.refuse_misfits(args, conversion, own, NAMES)
    print(f'{NORMALIZER} is not in released files, set to '
          f'{normalizer.item():g}')
    conversion.state_dict[NORMALIZER] = normalizer
    if args.check:
        cli.check(model, conversion.state_dict, trial)
    cli.write(args, conversion.state_dict, weights.place)


def main(argv: Optional[List[str]] = None) -> None:
    parser = cli.make_parser(__doc__)
    parser.add_argument(
        '--weights',
        choices=sorted(KEYS),
        help='moving average or plain weights; default: the average, if the '
        'file has one')
    cli.run(parser, convert, argv)


if __name__ == '__main__':
    main()
