# Copyright (c) mmevad authors. All rights reserved.
"""What is wrong with the detections of a temporal localizer.

Sorts them into true positives, background errors (they overlap nothing by
0.1), localization errors (right label, tIoU from 0.1 to the threshold), wrong
labels (tIoU reaches the threshold), confusion (both wrong) and double
detections, and says how much the mAP would gain without each kind, at the
threshold that it is measured at. After Alwassel et al., Diagnosing Error in
Temporal Action Detectors, ECCV 2018. Both files are ActivityNet's JSON;
SegmentMAP writes such detections with its option dump.
"""
import argparse
import sys
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip
import numpy as np

from mmevad.evaluation import read_ground_truth, read_results
from mmevad.evaluation.segment_errors import (KINDS, ErrorAnalysis,
                                              analyze_errors)
from mmevad.evaluation.segment_map import clean_ground_truth
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import write_json
from mmevad.visualization.charts import error_charts, save_figure


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ground_truth', help='annotations')
    parser.add_argument('results', help='detections')
    parser.add_argument(
        '--subset', nargs='+', help='in any case; all videos by default')
    parser.add_argument(
        '--tious',
        type=float,
        nargs='+',
        default=(0.3, 0.4, 0.5, 0.6, 0.7),
        help='thresholds; 0.3 0.4 0.5 0.6 0.7 by default')
    parser.add_argument(
        '--profile-tiou',
        type=float,
        default=0.5,
        help='that of the shares; one of --tious, 0.5 by default')
    parser.add_argument('--video-prefix', default='')
    parser.add_argument('--out', help='.png file to draw to')
    parser.add_argument('--json', help='.json file to write the numbers to')
    args = parser.parse_args(argv)
    if args.profile_tiou not in args.tious:
        parser.error('--profile-tiou must be one of --tious')
    return args


def format_analysis(found: ErrorAnalysis, at: int, tiou: float) -> str:
    """Number, share and gain of each kind.

    Args:
        found (ErrorAnalysis): All numbers.
        at (int): Row of the threshold for numbers and shares.
        tiou (float): That threshold.
    """
    counts = np.bincount(found.kinds[at], minlength=len(KINDS))
    best = found.profile[at, 0]
    lines = [
        f'{"":<20}{f"tIoU {tiou:g}":>12}{"percent":>10}'
        f'{"of best G":>11}{"mAP gain":>10}'
    ]
    for kind, count, share in zip(KINDS, counts, best):
        gain = ''
        if kind in found.gains:
            gain = f'{100 * found.gains[kind]:+.2f}'
        lines.append(f'{kind:<20}{count:>12}'
                     f'{100 * count / max(1, counts.sum()):>10.2f}'
                     f'{100 * share:>11.2f}{gain:>10}')
    lines.append(f'{"missed":<20}{found.num_missed[at]:>12}')
    lines.append(f'mAP {100 * found.mean_ap:.2f}, mean over the thresholds, '
                 'like the gains')
    return '\n'.join(lines)


def main(argv: Optional[List[str]] = None) -> ErrorAnalysis:
    args = parse_args(argv)
    try:
        truth = read_ground_truth(args.ground_truth, args.subset)
        preds = read_results(args.results, truth, args.video_prefix)
        gts = clean_ground_truth(truth.segments)[0]
        found = analyze_errors(gts, preds, args.tious)
    except (DataError, ValueError) as error:
        sys.exit(f'error: {error}')
    at = list(args.tious).index(args.profile_tiou)
    print(format_analysis(found, at, args.profile_tiou))
    if args.json:
        write_json(
            args.json,
            dict(
                mAP=found.mean_ap,
                gains=found.gains,
                tious=list(args.tious),
                kinds=KINDS,
                counts=[
                    np.bincount(row, minlength=len(KINDS)).tolist()
                    for row in found.kinds
                ],
                missed=found.num_missed.tolist(),
                profile=found.profile.tolist()))
    if args.out:
        title = (f'{found.kinds.shape[1]} detections at tIoU '
                 f'{args.profile_tiou:g}; mAP {100 * found.mean_ap:.2f}, mean '
                 f'over tIoU {", ".join(f"{x:g}" for x in args.tious)}')
        figure = error_charts(found.profile[at], KINDS, {
            kind: 100 * gain
            for kind, gain in found.gains.items()
        }, title)
        save_figure(figure, args.out)
        print(f'Wrote {args.out}')
    return found


if __name__ == '__main__':
    main()
