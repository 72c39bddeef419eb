# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer on noise against the plain model in (B, C, T) with chunks.

Both have the same random weights. ``--train`` measures a training step,
``--post`` what follows the network: decoding and Soft-NMS of many videos.
"""
import argparse
import itertools
from typing import Dict, List

import mmevad  # noqa: F401  isort: skip
import torch
from benchmarks import machine, plot
from benchmarks.compare import Case, Functions, compare, start, training_step
from benchmarks.measure import median_times
from benchmarks.products import print_products
from benchmarks.reference import config_file, reference
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmevad.models.actionformer.padding import ceil_to

CONFIG = 'actionformer/actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'
SEGMENTS = 15  # of a training video


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model of THUMOS14 by default."""
    machine.add_arguments(parser, (2304, 9216), 'T, features of a video')
    parser.add_argument('--config', default=CONFIG, help='config file')
    parser.add_argument(
        '--train',
        action='store_true',
        help='a training step of --batch videos with AdamW')
    parser.add_argument(
        '--batch', type=int, default=2, help='training videos; 2 by default')
    parser.add_argument(
        '--post', action='store_true', help='decoding and NMS only')
    parser.add_argument(
        '--videos', type=int, default=100, help='with --post; 100 by default')
    parser.add_argument(
        '--max-plain',
        type=int,
        default=50000,
        help='leave the plain model out for longer videos; %(default)s')


class ActionFormerCase(Case):
    """One model, one length."""

    def __init__(self, args: argparse.Namespace, dtype: str,
                 length: int) -> None:
        super().__init__(args.device, dtype)
        self.config, self.length = args.config, length
        self.train, self.batch = args.train, args.batch
        self.with_plain = length <= args.max_plain

    def model(self) -> torch.nn.Module:
        """Ours, with random weights."""
        init_default_scope('mmaction')
        torch.manual_seed(0)
        cfg = Config.fromfile(config_file(self.config)).model
        model = MODELS.build(cfg).to(self.device).train(self.train)
        if self.train:  # as much as the plain attention can do with
            neck = model.neck
            neck.max_seq_len = ceil_to(self.length, neck.length_divisor)
        return model

    def functions(self) -> Functions:
        model = self.model()
        plain = reference().PlainActionFormer(model).train(self.train)
        # (C, T), each side's as its pipeline lays them out in memory
        videos = [
            torch.randn(
                self.length, model.neck.in_channels, device=self.device).t()
            for _ in range(self.batch if self.train else 1)
        ]
        plain_videos = [video.contiguous() for video in videos]
        autocast = self.autocast()
        if self.train:
            return self._steps(model, plain, videos, plain_videos, autocast)

        def forward(side: torch.nn.Module, videos: List[torch.Tensor]):

            def run():
                with torch.no_grad(), autocast:
                    return side(videos)

            return run

        functions = dict(ours=forward(model, videos))
        if self.with_plain:
            functions['plain'] = forward(plain, plain_videos)
        return functions

    def _steps(self, model, plain, videos, plain_videos,
               autocast) -> Functions:
        rng = torch.Generator().manual_seed(0)
        samples = []
        for _ in videos:
            begin = torch.rand(SEGMENTS, generator=rng) * self.length * 0.9
            size = torch.rand(SEGMENTS, generator=rng)
            size = 2**(size * 5 + 1)  # grid units
            sample = ActionDataSample()
            sample.gt_instances = InstanceData(
                segments=torch.stack((begin, begin + size), 1).to(self.device),
                labels=torch.randint(
                    model.head.num_classes, (SEGMENTS, ),
                    generator=rng).to(self.device))
            samples.append(sample)
        truths = [sample.gt_instances for sample in samples]
        segments = [truth.segments for truth in truths]
        labels = [truth.labels for truth in truths]
        # the step is made, but leads nowhere: both sides share the weights
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.)
        return dict(
            ours=training_step(lambda: model(videos, samples, mode='loss'),
                               optimizer, autocast),
            plain=training_step(
                lambda: plain.loss(plain_videos, segments, labels), optimizer,
                autocast))


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per dtype and length.

    Returns:
        list[dict]: As of :func:`compare`, with ``length``; with ``--post``
        ``videos``, ``length``, ``ours_s``, ``plain_s``, ``ratio`` and
        ``detections``.
    """
    if args.post:
        return _post(args)
    start(args)
    rows = []
    for dtype, length in itertools.product(args.dtype, args.sizes):
        name = f'T {length} {dtype}'
        if args.train:
            name = f'training, {args.batch} x ' + name
        case = ActionFormerCase(args, dtype, length)
        rows.append(compare(name, case, args, length=length))
    if not args.train:
        print_products(rows)
    if args.plot:
        plot.save(
            args.plot, 'features', [row['length'] for row in rows],
            dict(
                seconds=plot.curves(rows, 's'),
                MiB=plot.curves(rows, 'extra_mib')))
    return rows


def _post(args: argparse.Namespace) -> List[Dict]:
    decode = reference('actionformer_decode')
    compiled = reference('compiled_nms').compiled_soft() is not None
    print(f'decoding and NMS of {args.videos} videos; the plain Soft-NMS is '
          f'{"compiled" if compiled else "a Python loop"}')
    rows = []
    for length in args.sizes:
        model = ActionFormerCase(args, 'fp32', length).model().eval()
        head = model.head
        plain = reference().PlainActionFormer(model)
        outputs = _outputs(head, args.videos, length, args.device)
        samples = [_sample(i, length) for i in range(args.videos)]
        points = plain.points(outputs[0])
        # the network has run already
        head.forward = lambda levels, masks, found=outputs: found[:2]
        with torch.no_grad():
            functions = [
                lambda: head.predict(outputs[1], outputs[2], samples),
                lambda: decode.postprocess(head, outputs, points, samples)
            ]
            found, expected = (function() for function in functions)
            _check(found, expected)
            ours, theirs = median_times(functions, args.repeats, args.device,
                                        1, machine.clock(args))
        rows.append(
            dict(
                case=f'{args.videos} videos, T {length}',
                videos=args.videos,
                length=length,
                ours_s=ours,
                plain_s=theirs,
                ratio=theirs / ours,
                detections=sum(len(video.scores) for video in found)))
        print(
            f'{rows[-1]["case"]:<34}ours {ours:.3f} s, plain {theirs:.3f} '
            f's, ratio {theirs / ours:.2f}',
            flush=True)
    return rows


def _outputs(head, videos: int, length: int, device: str) -> tuple:
    """Logits, distances and masks as of a trained model: few are high."""
    rng = torch.Generator().manual_seed(0)
    logits, distances, masks = [], [], []
    for stride in head.point_generator.strides:
        size = -(-length // stride)
        shape = (videos, size, head.num_classes)
        logits.append(torch.randn(shape, generator=rng) * 2 - 6)
        spread = torch.randn(videos, size, 2, generator=rng)
        distances.append((spread * 0.7 + 0.7).exp())
        masks.append(torch.ones(videos, 1, size, dtype=torch.bool))
    return tuple([x.to(device) for x in part]
                 for part in (logits, distances, masks))


def _sample(index: int, length: int) -> ActionDataSample:
    return ActionDataSample(
        metainfo=dict(
            video_name=f'video{index}',
            fps=30.,
            feat_stride=4,
            num_frames=16,
            duration=length * 4 / 30))


def _check(found: List, expected: List) -> None:
    """Raise RuntimeError where the two keep different segments."""
    for i, (ours, theirs) in enumerate(zip(found, expected)):
        if not torch.equal(ours.labels.cpu(), theirs[2]):
            raise RuntimeError(f'Both sides find different actions in video '
                               f'{i}.')
