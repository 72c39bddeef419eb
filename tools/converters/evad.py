# Copyright (c) mmevad authors. All rights reserved.
"""Released EVAD checkpoint -> checkpoint of mmevad.

    python tools/converters/evad.py RELEASED OUT.pth --config CONFIG --check

Reads tensors and plain data only: a file that holds code is refused.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from mmaction.structures import ActionDataSample
from torch import nn

from mmevad.converters import cli
from mmevad.converters.evad import REQUIRES, names_of, rename_evad_state

KEYS = ('model_state', 'model', 'module', 'state_dict')
HEIGHT, WIDTH = 64, 96


def trial(model: nn.Module) -> tuple:
    """Predict on a random clip."""
    frames = model.backbone.position.grid[0] * model.backbone.tubelet_size
    clip = torch.randint(256, (3, frames, HEIGHT, WIDTH), dtype=torch.uint8)
    data = dict(inputs=[clip], data_samples=[ActionDataSample()])
    model.person_score_thr = 0.
    found = model.test_step(data)[0].pred_instances
    text = (f'a clip of {frames} frames of {WIDTH}x{HEIGHT} gives '
            f'{len(found)} persons with {found.scores.size(1) - 1} actions')
    return text, (found.bboxes, found.scores, found.person_scores)


def convert(args: argparse.Namespace) -> None:
    weights = cli.read_weights(args.source, KEYS)
    conversion = rename_evad_state(weights.tensors)
    cli.report(conversion)
    config = cli.model_config(args.config, 'EVAD')
    to_set = []
    for name, value in REQUIRES.items():
        part, key = name.split('.')
        if config[part].get(key) != value:
            to_set.append(f'model.{name}={value}')
        config[part][key] = value
    model = cli.build(config)
    cli.refuse_misfits(args, conversion, model.state_dict(),
                       names_of(weights.tensors))
    if args.check:
        cli.check(model, conversion.state_dict, trial)
    cli.write(
        args, conversion.state_dict, weights.place, requires=dict(REQUIRES))
    if to_set:
        print('These weights were trained with tokens in order of importance; '
              f'use them with --cfg-options {" ".join(to_set)}')


def main(argv: Optional[List[str]] = None) -> None:
    cli.run(cli.make_parser(__doc__), convert, argv)


if __name__ == '__main__':
    main()
