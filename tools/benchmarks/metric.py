# Copyright (c) mmevad authors. All rights reserved.
"""Evaluation metrics on made-up predictions against those of mmaction2.

Each side runs in a process of its own, so that its peak memory is its own;
that includes Python, torch and the predictions, but not the processes that
mmaction2's AVA evaluation starts. Where mmaction2 would take over five minutes
it gets a share of the videos; both sides see that share when their results are
compared.
"""
import argparse
from typing import Dict, List

from benchmarks import metric_ava, metric_segments, metric_tubes

PARTS = dict(segment=metric_segments, tubes=metric_tubes, ava=metric_ava)
TOLERANCE = 1e-6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes of the real data sets by default."""
    parser.set_defaults(repeats=1)
    parser.add_argument(
        '--only', choices=PARTS, action='append', help='parts; all by default')
    parser.add_argument(
        '--share',
        type=float,
        help='of the videos, for mmaction2; by default what takes it less '
        'than five minutes')
    parser.add_argument('--seed', type=int, default=0)
    for part in PARTS.values():
        part.add_arguments(parser)


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per metric.

    Returns:
        list[dict]: ``name``; ``ours_s``, ``ours_mib`` on all data;
        ``reference_s``, ``reference_mib`` on ``reference_share`` of it;
        ``agree``, the largest difference between their results, which are
        fractions, on that share.

    Raises:
        RuntimeError: If the results differ by more than 1e-6.
    """
    print(f'{"":<44}{"ours":>10}{"":>11}{"mmaction2":>11}{"":>11}'
          f'{"of data":>9}{"differ by":>11}')
    rows = []
    for name in args.only or PARTS:
        for row in PARTS[name].rows(args):
            rows.append(row)
            print(
                f'{row["name"]:<44}{row["ours_s"]:>8.2f} s'
                f'{row["ours_mib"]:>7.0f} MiB{row["reference_s"]:>9.2f} s'
                f'{row["reference_mib"]:>7.0f} MiB'
                f'{row["reference_share"]:>9.3g}{row["agree"]:>11.1e}',
                flush=True)
    wrong = [row['name'] for row in rows if not row['agree'] <= TOLERANCE]
    if wrong:
        raise RuntimeError(f'The results of {", ".join(wrong)} differ by '
                           f'more than {TOLERANCE:g}.')
    return rows
