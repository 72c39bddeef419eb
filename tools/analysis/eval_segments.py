# Copyright (c) mmevad authors. All rights reserved.
"""mAP and recall of a detection file, by ActivityNet's rules.

Both files are ActivityNet's JSON, segments in seconds; '.gz' is unpacked. The
table is in percent.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip
import numpy as np

from mmevad.evaluation import (SegmentScores, evaluate_segments, format_scores,
                               read_ground_truth, read_results)
from mmevad.utils import DataError


def main(argv: Optional[List[str]] = None) -> SegmentScores:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ground_truth', help='annotations')
    parser.add_argument('results', help='detections')
    parser.add_argument(
        '--subset', nargs='+', help='in any case; all videos by default')
    parser.add_argument(
        '--tious',
        type=float,
        nargs='+',
        default=(0.3, 0.4, 0.5, 0.6, 0.7),
        help='thresholds of the mAP; 0.3 0.4 0.5 0.6 0.7 by default')
    parser.add_argument(
        '--recall-k',
        type=int,
        nargs='*',
        default=(1, 5),
        help='k of Recall@kx; 1 5 by default')
    parser.add_argument(
        '--recall-tious',
        type=float,
        nargs='+',
        help='thresholds of the recall; those of the mAP by default')
    parser.add_argument(
        '--per-class', action='store_true', help='show the AP of each class')
    parser.add_argument(
        '--known-videos-only',
        action='store_true',
        help='leave out detections in videos that the subset lacks, which '
        'are false positives otherwise')
    parser.add_argument(
        '--keep-duplicates',
        action='store_true',
        help='keep annotations that are shorter than 1e-3 s or repeated')
    parser.add_argument(
        '--video-prefix',
        default='',
        help="put before the videos' names in the detections, like v_")
    args = parser.parse_args(argv)
    try:
        truth = read_ground_truth(args.ground_truth, args.subset)
        preds = read_results(args.results, truth, args.video_prefix)
        if args.known_videos_only:
            known = np.isin(preds.videos, list(truth.videos.values()))
            print(f'{(~known).sum()} detections are in other videos')
            preds = preds.take(known)
        scores = evaluate_segments(truth, preds, args.tious, args.recall_k,
                                   args.recall_tious, not args.keep_duplicates)
    except DataError as error:
        raise SystemExit(str(error)) from error
    print(format_scores(scores, truth.names if args.per_class else None))
    return scores


if __name__ == '__main__':
    main()
