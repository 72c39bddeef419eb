# Copyright (c) mmevad authors. All rights reserved.
"""EVAD on clips of noise against the plain model with all attention maps.

Both have the same random weights. Also prints where the time of a forward
pass goes.
"""
import argparse
import itertools
from typing import Dict, List

import mmevad  # noqa: F401  isort: skip
import torch
from benchmarks import machine, plot
from benchmarks.compare import Case, Functions, compare, start, training_step
from benchmarks.parts import part_times, print_parts
from benchmarks.products import print_products
from benchmarks.reference import config_file, reference
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

CONFIGS = dict(
    base='evad/evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py',
    large='evad/evad_vit-large-p16_8xb1-16x4x1-12e_ava-v2.2-rgb.py',
    tiny='evad/evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py')
PERSONS = 3  # of a training clip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """ViT-B on one clip of 224 by default."""
    machine.add_arguments(parser, (224, ), 'sides of the clips in pixels')
    parser.add_argument(
        '--config',
        default='base',
        help=f'{", ".join(CONFIGS)} or a file; base by default')
    parser.add_argument(
        '--keep-rates', type=float, nargs='+', default=[1.0, 0.7])
    parser.add_argument('--batch', type=int, default=1, help='clips')
    parser.add_argument(
        '--train',
        action='store_true',
        help='a training step with AdamW instead of a forward pass')
    parser.add_argument(
        '--checkpoint',
        type=float,
        nargs='+',
        default=[0.],
        help='with --train: shares of the blocks, from the first on, with '
        'activation checkpointing')
    parser.add_argument(
        '--compile',
        action='store_true',
        help='torch.compile our backbone and decoder')


class EVADCase(Case):
    """One model, one size."""

    def __init__(self, args: argparse.Namespace, dtype: str, size: int,
                 keep_rate: float, checkpoint: float) -> None:
        super().__init__(args.device, dtype)
        self.config = CONFIGS.get(args.config, args.config)
        self.batch, self.train = args.batch, args.train
        self.compile = args.compile
        self.size, self.keep_rate = size, keep_rate
        self.checkpoint = checkpoint

    def model(self) -> torch.nn.Module:
        """Ours, with random weights."""
        init_default_scope('mmaction')
        torch.manual_seed(0)
        cfg = Config.fromfile(config_file(self.config)).model
        cfg.backbone.pop('init_cfg', None)
        cfg.backbone.keep_rate = self.keep_rate
        model = MODELS.build(cfg)
        for part in (model.backbone, model.context_decoder):
            depth = len(part.blocks)
            count = round(depth * self.checkpoint)
            part.with_cp = [i < count for i in range(depth)]
        return model.to(self.device).train(self.train)

    def _clip(self, model: torch.nn.Module) -> torch.Tensor:
        """Noise (B, 3, T, H, W)."""
        backbone = model.backbone
        frames = backbone.position.grid[0] * backbone.tubelet_size
        return torch.randn(
            self.batch, 3, frames, self.size, self.size, device=self.device)

    def functions(self) -> Functions:
        model = self.model()
        plain = reference().PlainEVAD(model).train(self.train)
        clip = self._clip(model)
        if self.compile:
            for part in (model.backbone, model.context_decoder):
                part.forward = torch.compile(part.forward, fullgraph=True)
        if self.train:
            return self._steps(model, plain, clip)
        autocast = self.autocast()

        def forward(side: torch.nn.Module):

            def run():
                with torch.no_grad(), autocast:
                    return side(clip)

            return run

        return dict(ours=forward(model), plain=forward(plain))

    def _steps(self, model: torch.nn.Module, plain: torch.nn.Module,
               clip: torch.Tensor) -> Functions:
        rng = torch.Generator().manual_seed(0)
        corner = torch.rand(self.batch, PERSONS, 2, generator=rng) * 0.5
        side = torch.rand(self.batch, PERSONS, 2, generator=rng) * 0.4 + 0.1
        boxes = torch.cat((corner, corner + side), 2) * self.size
        classes = model.context_decoder.num_classes
        labels = torch.rand(self.batch, PERSONS, classes, generator=rng) < 0.1
        boxes, labels = boxes.to(clip), labels.to(clip)
        samples = []
        for box, label in zip(boxes, labels):
            sample = ActionDataSample(
                metainfo=dict(img_shape=(self.size, self.size)))
            sample.gt_instances = InstanceData(bboxes=box, labels=label)
            samples.append(sample)
        # the step is made, but leads nowhere: both sides share the weights
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.)
        autocast = self.autocast()
        return dict(
            ours=training_step(lambda: model(clip, samples, mode='loss'),
                               optimizer, autocast),
            plain=training_step(
                lambda: plain.loss(clip, list(boxes), list(labels)), optimizer,
                autocast))

    def parts(self, args: argparse.Namespace) -> Dict[str, Dict[str, float]]:
        """Seconds of the parts of both sides in a forward pass."""
        model = self.model()
        clip = self._clip(model)
        result = {}
        for side, module in (('ours', model), ('plain',
                                               reference().PlainEVAD(model))):
            with torch.no_grad(), self.autocast():
                result[side] = part_times(module, clip, args.repeats,
                                          self.device, machine.clock(args))
        return result


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per dtype, size and keep rate.

    Returns:
        list[dict]: As of :func:`compare`, with ``size``, ``keep_rate``,
        ``batch``, ``checkpoint`` (None without ``--train``), ``clips_s``
        (ours, per second) and, for forward passes, ``parts``.
    """
    start(args)
    rows = []
    shares = args.checkpoint if args.train else [0.]
    for dtype, size, rate, share in itertools.product(args.dtype, args.sizes,
                                                      args.keep_rates, shares):
        case = EVADCase(args, dtype, size, rate, share)
        name = f'{size}x{size} rho {rate} {dtype}'
        if args.train:
            name += f' cp {share:g}'
        row = compare(
            name,
            case,
            args,
            size=size,
            keep_rate=rate,
            batch=args.batch,
            checkpoint=share if args.train else None)
        row['clips_s'] = args.batch / row['ours_s']
        if not args.train:
            row['parts'] = case.parts(args)
        rows.append(row)
    if not args.train:
        print_parts(rows)
        print_products(rows)
    _print_ratios(rows)
    if args.plot:
        size = len(args.sizes) > 1
        by = ['dtype', 'keep_rate' if size else 'size']
        by += ['checkpoint'] if args.train else []
        plot.save(
            args.plot, 'side of the clip (pixels)' if size else 'keep rate',
            [row['size' if size else 'keep_rate'] for row in rows], {
                'seconds': plot.curves(rows, 's', by=by),
                'MiB': plot.curves(rows, 'extra_mib', by=by)
            })
    return rows


def _print_ratios(rows: List[Dict]) -> None:
    """What dropping tokens saves, on both sides."""
    for row in rows:
        full = [
            other for other in rows if other['keep_rate'] == 1 and all(
                other[key] == row[key]
                for key in ('dtype', 'size', 'checkpoint'))
        ]
        if not full or row['keep_rate'] == 1:
            continue
        text = ', '.join(f'{side} {full[0][key] / row[key]:.2f}'
                         for side, key in (('ours', 'ours_s'),
                                           ('plain', 'plain_s'), ('arithmetic',
                                                                  'gmacs')))
        print(f'{row["case"]}: rho 1.0 takes this many times as long: {text}')
