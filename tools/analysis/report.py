# Copyright (c) mmevad authors. All rights reserved.
"""One HTML file that shows a run: videos, metrics and training curves.

RUN_DIR is what mim train and mim test write to (--work-dir), or the output
folder of demo/evad_demo.py or demo/tal_demo.py. The file needs no network and
no server. Videos are shown with boxes, or segments, over a timeline, next to
the ground truth of the config. With --checkpoint the model is run: for
predictions where there are none, and for the tokens that an EVAD keeps.
"""
import argparse
import os.path as osp
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first

from mmevad.utils.atomic_file import atomic_file
from mmevad.utils.command_line import (add_debug_argument, positive,
                                       positive_number, run_command, share)
from mmevad.visualization.report import ReportOptions, build_report


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run_dir', metavar='RUN_DIR', help='see above')
    parser.add_argument(
        '--out', help='file to write; by default RUN_DIR/report.html')
    parser.add_argument(
        '--config', help='config file, instead of the one in RUN_DIR')
    parser.add_argument('--checkpoint', help='to run the model')
    parser.add_argument('--device', help='default: cuda if there is any')
    parser.add_argument(
        '--predictions',
        nargs='+',
        default=(),
        metavar='FILE',
        help="JSON of a demo or of SegmentMAP's option dump, or the .pkl of "
        'tools/test.py --dump; by default the JSON in RUN_DIR')
    parser.add_argument(
        '--videos',
        nargs='+',
        default=(),
        metavar='PATH',
        help='video files, folders of frames, or folders that hold such, '
        'named like the videos of the predictions; by default the frames of '
        "the config's dataset")
    parser.add_argument(
        '--only',
        nargs='+',
        default=(),
        metavar='NAME',
        help='videos to show; by default the first ones')
    parser.add_argument(
        '--max-videos',
        type=positive,
        default=4,
        help='without --only (default: 4)')
    parser.add_argument(
        '--max-mb',
        type=positive_number,
        default=24.,
        help='MiB of all videos together; what is larger is shown as '
        'pictures, fewer per second (default: 24)')
    parser.add_argument(
        '--pictures',
        action='store_true',
        help='pack all videos as JPEG pictures, for browsers that do not '
        'play H.264')
    parser.add_argument(
        '--score-thr',
        type=share,
        default=.05,
        help='lower scores are left out when the model is run or a .pkl is '
        'read (default: 0.05)')
    parser.add_argument(
        '--top-k',
        type=positive,
        default=200,
        help='segments of a video (default: 200)')
    parser.add_argument(
        '--every',
        default='12',
        help='frames from one keyframe to the next, or seconds as in 0.5s, '
        'if neither predictions nor ground truth have any (default: 12)')
    parser.add_argument(
        '--fps',
        type=positive_number,
        help='frame rate of folders of frames (default: 25)')
    add_debug_argument(parser)
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> None:
    given = vars(args).copy()
    out = given.pop('out') or osp.join(args.run_dir, 'report.html')
    del given['debug']
    report = build_report(ReportOptions(**given))
    content = report.page.encode()
    with atomic_file(out) as file:
        file.write(content)
    for part, reason, remedy in report.missing:
        print(f'Not in the report: {part}. {reason} {remedy}')
    count = len(report.videos)
    print(f'Wrote {out}: {count} video{"s" * (count != 1)}, '
          f'{len(content) / (1 << 20):.1f} MiB')


def main(argv: Optional[List[str]] = None) -> None:
    run_command(run, parse_args(argv))


if __name__ == '__main__':
    main()
