# Copyright (c) mmevad authors. All rights reserved.
"""Soft-NMS of random segments against the plain sequential loop.

Both get the same segments (lengths log-uniform, scores uniform or
log-uniform) and have to return the same, bit by bit; only voted segments may
differ by rounding. The plain loop is a compiled one where there is a C++
compiler, as the released one is, but for hard NMS.
"""
import argparse
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import torch
from benchmarks import machine
from benchmarks.measure import median_times, peak_memory
from benchmarks.plot import save
from benchmarks.reference import reference

from mmevad.models.actionformer import SoftNMS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sizes of the published timings by default."""
    parser.add_argument(
        '--sizes',
        type=int,
        nargs='+',
        default=[12000],
        help='numbers of segments; 12000')
    parser.add_argument('--num-classes', type=int, default=20)
    parser.add_argument('--max-seg-num', type=int, default=200)
    parser.add_argument('--min-score', type=float, default=0.001)
    parser.add_argument('--sigma', type=float, default=0.5)
    parser.add_argument('--voting-thresh', type=float, default=0.7)
    parser.add_argument(
        '--feat-len', type=int, default=2304, help='grid units; 2304')
    parser.add_argument('--seed', type=int, default=0)
    machine.add_cpu_time(parser)
    parser.add_argument('--plot', help='image file for cost against size')


def random_segments(args: argparse.Namespace, distribution: str,
                    size: int) -> Tuple[np.ndarray, ...]:
    """Segments (N, 2), scores (N, ) and labels (N, )."""
    rng = np.random.default_rng(args.seed)
    centre = rng.uniform(0, args.feat_len, size)
    half = np.exp(rng.uniform(0, np.log(64), size))
    segments = np.stack((centre - half, centre + half), 1)
    scores = rng.uniform(0, 1, size)
    if distribution == 'log-uniform':
        scores = args.min_score**scores
    return (segments.astype(np.float32), scores.astype(np.float32),
            rng.integers(0, args.num_classes, size))


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per case.

    Returns:
        list[dict]: ``case``, ``segments``, ``compiled`` (the plain loop),
        ``ours_s``, ``plain_s``, ``ratio`` (plain over ours), ``ours_mib``,
        ``plain_mib``, ``max_score_error`` and ``max_segment_error``.

    Raises:
        RuntimeError: If the two keep different segments.
    """
    compiled = reference('compiled_nms').compiled_soft()
    rows = []
    for size in args.sizes:
        print(f'{size} segments, {args.num_classes} classes, max_seg_num '
              f'{args.max_seg_num}, min_score {args.min_score}, sigma '
              f'{args.sigma}, {args.threads} threads')
        print(f'{"":<40}{"ours":>10}{"plain":>11}{"ratio":>8}{"ours":>11}'
              f'{"plain":>11}')
        rows += [
            _row(args, size, distribution, method, multiclass, compiled)
            for distribution in ('uniform', 'log-uniform')
            for method in ('soft', 'hard') for multiclass in (True, False)
        ]
    if args.plot:
        cases = {row['case'] for row in rows if 'uniform, soft' in row['case']}
        save(
            args.plot, 'segments', [row['segments'] for row in rows], {
                case: {
                    side: [
                        row[f'{side}_s'] if row['case'] == case else None
                        for row in rows
                    ]
                    for side in ('ours', 'plain')
                }
                for case in sorted(cases)
            })
    return rows


def _row(args: argparse.Namespace, size: int, distribution: str, method: str,
         multiclass: bool, compiled: Optional[Callable]) -> Dict:
    arrays = random_segments(args, distribution, size)
    tensors = [torch.from_numpy(array) for array in arrays]
    settings = dict(
        method=method,
        sigma=args.sigma,
        min_score=args.min_score,
        max_seg_num=args.max_seg_num,
        multiclass=multiclass,
        voting_thresh=0. if multiclass else args.voting_thresh)
    ours = SoftNMS(**settings)
    plain = reference('soft_nms')
    select = compiled or plain.soft
    functions = (lambda: ours(*tensors),
                 lambda: plain.nms(*arrays, select=select, **settings))
    segments, scores, labels = (part.numpy() for part in functions[0]())
    expected = functions[1]()
    case = f'{distribution}, {method}, ' + ('per class' if multiclass else
                                            'class-agnostic, voting')
    if not np.array_equal(labels, expected[2]):
        raise RuntimeError(f'{case}: SoftNMS and the plain loop keep '
                           'different segments.')
    times = median_times(functions, args.repeats, clock=machine.clock(args))
    memory = [peak_memory(function) for function in functions]
    row = dict(
        case=case,
        segments=size,
        compiled=compiled is not None and method != 'hard',
        ours_s=times[0],
        plain_s=times[1],
        ratio=times[1] / times[0],
        ours_mib=memory[0],
        plain_mib=memory[1],
        max_score_error=float(abs(scores - expected[1]).max(initial=0)),
        max_segment_error=float(abs(segments - expected[0]).max(initial=0)))
    print(f'{case:<40}{times[0] * 1e3:>7.2f} ms{times[1] * 1e3:>8.1f} ms'
          f'{row["ratio"]:>8.1f}{memory[0]:>7.2f} MiB{memory[1]:>7.2f} MiB')
    return row
