# Copyright (c) mmevad authors. All rights reserved.
"""VideoMAE file (v1, v2 or mmaction2's) -> backbone weights of mmevad.

    python tools/converters/videomae.py FILE OUT.pth --config CONFIG --check

The backbone of the config reads all of these files by itself
(init_cfg=dict(type='Pretrained', checkpoint=FILE)); this tool shows
beforehand what fits, and makes a small file without decoder and optimiser
state. Reads tensors and plain data only: a file that holds code is refused.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from torch import nn

from mmevad.converters import cli
from mmevad.converters.videomae import rename_videomae_state
from mmevad.utils.videomae import KEYS, fit_videomae

HEIGHT, WIDTH = 64, 96


def trial(backbone: nn.Module) -> tuple:
    """Encode a random clip."""
    frames = backbone.position.grid[0] * backbone.tubelet_size
    video = backbone(torch.randn(1, 3, frames, HEIGHT, WIDTH))
    text = (f'a clip of {frames} frames of {WIDTH}x{HEIGHT} gives '
            f'{video.tokens.size(1)} tokens of {video.tokens.size(2)} numbers')
    return text, (video.tokens, *video.keyframe_maps)


def convert(args: argparse.Namespace) -> None:
    weights = cli.read_weights(args.source, KEYS)
    conversion = rename_videomae_state(weights.tensors)
    backbone = cli.build(cli.model_config(args.config, 'EVAD').backbone)
    conversion = fit_videomae(backbone, conversion, args.source)
    cli.report(conversion)
    state, own = conversion.state_dict, backbone.state_dict()
    missing = [name for name in own if name not in state]
    print(f'against {args.config}: {len(state)} of {len(own)} tensors of the '
          f'backbone, not in the file: {", ".join(missing) or "none"}')
    if args.check:
        cli.check(backbone, state, trial)
    cli.write(args, {
        f'backbone.{k}': v
        for k, v in state.items()
    }, weights.place)


def main(argv: Optional[List[str]] = None) -> None:
    cli.run(cli.make_parser(__doc__), convert, argv)


if __name__ == '__main__':
    main()
