# Copyright (c) mmevad authors. All rights reserved.
"""Soft-NMS of random segments against the plain sequential loop.

Both get the same segments (lengths log-uniform, scores uniform or
log-uniform) and have to return the same, bit by bit; only voted segments may
differ by rounding.
"""
import argparse
from typing import Dict, List, Tuple

import numpy as np
import torch
from benchmarks.measure import median_times, peak_memory
from benchmarks.nms_reference import nms as plain_nms

from mmevad.models.actionformer import SoftNMS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sizes of the published timings by default."""
    parser.add_argument('--num-segments', type=int, default=12000)
    parser.add_argument('--num-classes', type=int, default=20)
    parser.add_argument('--max-seg-num', type=int, default=200)
    parser.add_argument('--min-score', type=float, default=0.001)
    parser.add_argument('--sigma', type=float, default=0.5)
    parser.add_argument('--voting-thresh', type=float, default=0.7)
    parser.add_argument(
        '--feat-len', type=int, default=2304, help='grid units; 2304')
    parser.add_argument('--seed', type=int, default=0)


def random_segments(args: argparse.Namespace,
                    distribution: str) -> Tuple[np.ndarray, ...]:
    """Segments (N, 2), scores (N, ) and labels (N, )."""
    rng = np.random.default_rng(args.seed)
    size = args.num_segments
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
        list[dict]: ``case``, ``ours_s``, ``plain_s``, ``ratio`` (plain over
        ours), ``ours_mib``, ``plain_mib``, ``max_score_error`` and
        ``max_segment_error``.

    Raises:
        RuntimeError: If the two keep different segments.
    """
    print(f'{args.num_segments} segments, {args.num_classes} classes, '
          f'max_seg_num {args.max_seg_num}, min_score {args.min_score}, '
          f'sigma {args.sigma}, {args.threads} threads')
    print(f'{"":<40}{"ours":>10}{"plain":>11}{"ratio":>8}{"ours":>11}'
          f'{"plain":>11}')
    return [
        _row(args, distribution, method, multiclass)
        for distribution in ('uniform', 'log-uniform')
        for method in ('soft', 'hard') for multiclass in (True, False)
    ]


def _row(args: argparse.Namespace, distribution: str, method: str,
         multiclass: bool) -> Dict:
    arrays = random_segments(args, distribution)
    tensors = [torch.from_numpy(array) for array in arrays]
    settings = dict(
        method=method,
        sigma=args.sigma,
        min_score=args.min_score,
        max_seg_num=args.max_seg_num,
        multiclass=multiclass,
        voting_thresh=0. if multiclass else args.voting_thresh)
    ours = SoftNMS(**settings)
    functions = (lambda: ours(*tensors),
                 lambda: plain_nms(*arrays, **settings))
    segments, scores, labels = (part.numpy() for part in functions[0]())
    expected = functions[1]()
    case = f'{distribution}, {method}, ' + ('per class' if multiclass else
                                            'class-agnostic, voting')
    if not np.array_equal(labels, expected[2]):
        raise RuntimeError(f'{case}: SoftNMS and the plain loop keep '
                           'different segments.')
    times = median_times(functions, args.repeats)
    memory = [peak_memory(function) for function in functions]
    row = dict(
        case=case,
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
