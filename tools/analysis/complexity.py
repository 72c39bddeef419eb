# Copyright (c) mmevad authors. All rights reserved.
"""Parameters and multiply-adds of a model.

Counted by mmengine on one clip without gradients; what its counter does not
know (RoIAlign, element-wise operations) is left out, as in the paper.
"""
import argparse
from typing import Dict, List, Optional, Tuple

import mmevad  # noqa: F401  isort: skip
import torch
from mmaction.registry import MODELS
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch import nn


def fused_attention_flops(inputs: list, outputs: list) -> int:
    """Multiply-adds of Q K^T and of the product with V."""
    batch, heads, queries, width = inputs[0].type().sizes()
    keys = inputs[1].type().sizes()[2]
    return 2 * batch * heads * queries * keys * width


def build(cfg: ConfigDict, keep_rate: Optional[float] = None) -> nn.Module:
    """The model of a config, without reading pretrained weights."""
    model = cfg.copy()
    model.backbone.pop('init_cfg', None)
    if keep_rate is not None:
        model.backbone.keep_rate = keep_rate
    return MODELS.build(model).eval().requires_grad_(False)


def count(model: nn.Module, size: Tuple[int, int],
          frames: int) -> Dict[str, Tuple[int, int]]:
    """Parameters and multiply-adds of the model and each of its parts.

    Args:
        model (nn.Module): EVAD, in eval mode.
        size (tuple[int]): Height and width of the clip in pixels.
        frames (int): Frames of the clip.

    Returns:
        dict: ``(parameters, multiply-adds)`` by part, ``'total'`` for all.
    """
    analyzer = FlopAnalyzer(model, torch.zeros(1, 3, frames, *size))
    analyzer.set_op_handle(
        **{
            name: fused_attention_flops
            for name in ('aten::scaled_dot_product_attention',
                         'aten::_scaled_dot_product_flash_attention_for_cpu',
                         'mmevad::attend_and_sum')
        })
    analyzer.unsupported_ops_warnings(False)
    analyzer.uncalled_modules_warnings(False)
    analyzer.tracer_warnings('none')
    flops = analyzer.by_module()
    table = {}
    for name, part in [('total', model), *model.named_children()]:
        params = sum(p.numel() for p in part.parameters())
        table[name] = (params, int(flops['' if name == 'total' else name]))
    return table


def main(argv: Optional[List[str]] = None) -> Dict[str, Tuple[int, int]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of an EVAD model')
    parser.add_argument(
        '--keep-rate', type=float, help="instead of the config's")
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(224, 224),
        metavar=('H', 'W'),
        help='pixels, multiples of 32; 224 224 by default')
    args = parser.parse_args(argv)
    cfg = Config.fromfile(args.config)
    init_default_scope('mmaction')
    model = build(cfg.model, args.keep_rate)
    table = count(model, tuple(args.size), cfg.model.backbone.num_frames)
    print(f'one clip of {cfg.model.backbone.num_frames} frames, '
          f'{args.size[0]}x{args.size[1]}, keep rates '
          f'{list(model.backbone.keep_rates.values())}')
    print(f'{"part":<20}{"parameters":>15}{"G multiply-adds":>18}')
    for name, (params, flops) in table.items():
        print(f'{name:<20}{params:>15,}{flops / 1e9:>18.2f}')
    return table


if __name__ == '__main__':
    main()
