# Copyright (c) mmevad authors. All rights reserved.
"""Where the time of a training step on real files goes.

Every stage runs alone in this process, one after the other, as the config of
the model says: read and decode, augment, pack, copy to the device, prepare
(normalise and pad), forward, backward, optimiser. The first three are the
work of the data loader's workers, and are hidden as long as there are enough.
"""
import argparse
import itertools
import math
import statistics
import tempfile
from collections import defaultdict
from typing import Dict, Iterator, List

import mmevad  # noqa: F401  isort: skip
import torch
from benchmarks import machine
from benchmarks.data_items import clip_items, feature_items
from benchmarks.measure import synchronize
from benchmarks.reference import config_file
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

CONFIG = 'evad/evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py'
STAGES = ('decode', 'augment', 'pack', 'copy', 'prepare', 'forward',
          'backward', 'optimiser')
WORKERS = STAGES[:3]
# transforms of the pipelines by what they do; all others augment
DECODE = ('DecordInit', 'DecordDecode', 'OpenCVInit', 'OpenCVDecode',
          'RawFrameDecode', 'LoadSegmentFeatures')
PACK = ('FormatShape', 'PackActionInputs', 'PackSegmentInputs')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A small EVAD on drawn videos by default."""
    parser.add_argument(
        '--config', default=CONFIG, help='EVAD or ActionFormer; %(default)s')
    parser.add_argument(
        '--data',
        help='EVAD: folder of videos, or of one folder of frames for each '
        'video; data/synth_actors/videos by default. ActionFormer: folder of '
        '.npy files (time x channels); made up by default')
    parser.add_argument(
        '--batch', type=int, help="per step; the config's by default")
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument(
        '--dtype',
        choices=machine.DTYPES,
        default='fp32',
        help='of the matrix products; bf16 and fp16 by autocast')
    machine.add_cpu_time(parser)


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per stage.

    Returns:
        list[dict]: ``stage``, ``seconds`` (median of the steps, one batch)
        and ``share`` of all stages.
    """
    init_default_scope('mmaction')
    cfg = Config.fromfile(config_file(args.config))
    batch = args.batch or cfg.train_dataloader.batch_size
    with tempfile.TemporaryDirectory() as scratch:
        steps = _steps(cfg, batch, args, scratch)
        next(steps)  # to warm up
        seen = [next(steps) for _ in range(args.repeats)]
    times = {
        stage: statistics.median(step[stage] for step in seen)
        for stage in STAGES
    }
    total = sum(times.values())
    print(f'{args.config}, batch {batch}, {args.device} {args.dtype}, '
          f'{args.threads} threads, {args.repeats} steps')
    rows = []
    for stage, seconds in times.items():
        rows.append(dict(stage=stage, seconds=seconds, share=seconds / total))
        print(f'{stage:<12}{seconds * 1e3:>10.2f} ms{seconds / total:>8.1%}')
    loading = sum(times[stage] for stage in WORKERS)
    workers = math.ceil(loading / (total - loading))
    print(f'{"step":<12}{total * 1e3:>10.2f} ms; {workers} '
          f'worker{"s" * (workers > 1)} would hide the first three')
    return rows


def _steps(cfg: Config, batch: int, args: argparse.Namespace,
           scratch: str) -> Iterator[Dict[str, float]]:
    """Seconds of each stage, step after step."""
    device, clock = args.device, machine.clock(args)
    autocast = machine.use(device, args.dtype)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(device).train()
    wrapper = build_optim_wrapper(model,
                                  dict(cfg.optim_wrapper, type='OptimWrapper'))
    dataset = cfg.train_dataloader.dataset
    if cfg.model.type == 'ActionFormer':
        items = feature_items(cfg, args.data, scratch)
        pipeline = dataset.pipeline
    else:
        items, pipeline = clip_items(cfg, args.data)
    transforms = [(transform.type, TRANSFORMS.build(transform))
                  for transform in pipeline]
    items = itertools.cycle(items)
    while True:
        spent: Dict[str, float] = defaultdict(float)

        def timed(stage, function, *inputs):
            synchronize(device)
            begin = clock()
            result = function(*inputs)
            synchronize(device)
            spent[stage] += clock() - begin
            return result

        samples = []
        for _ in range(batch):
            sample = next(items)()
            for name, transform in transforms:
                stage = ('decode' if name in DECODE else
                         'pack' if name in PACK else 'augment')
                sample = timed(stage, transform, sample)
            samples.append(sample)
        data = timed('pack', pseudo_collate, samples)
        prepare = model.data_preprocessor
        data = timed('copy', prepare.cast_data, data)
        # it casts again, what is there already
        data = timed('prepare', prepare, data, True)

        def forward():
            with autocast:
                losses = model(**data, mode='loss')
            return model.parse_losses(losses)[0]

        loss = timed('forward', forward)
        timed('backward', wrapper.backward, loss)
        timed('optimiser', wrapper.step)
        wrapper.zero_grad()
        yield dict(spent)
