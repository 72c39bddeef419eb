# Copyright (c) mmevad authors. All rights reserved.
"""Make a small synthetic data set of drawn people who act.

For demos and tests only: results on it say nothing about real videos.
"""

import argparse
from typing import List, Optional, Tuple

from mmevad.datasets.synth_actors import Settings, generate, summary


def size(text: str) -> Tuple[int, int]:
    try:
        width, height = text.lower().split('x')
        return int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'expected WIDTHxHEIGHT such as 128x96, got {text!r}')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('out_dir', help='folder to create')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--size', type=size, default=(128, 96), help='WIDTHxHEIGHT, pixels')
    parser.add_argument(
        '--videos',
        type=int,
        nargs=3,
        default=(160, 6, 14),
        metavar=('TRAIN', 'VAL', 'TEST'))
    parser.add_argument('--seconds', type=float, default=12.)
    parser.add_argument('--fps', type=float, default=12.5)
    parser.add_argument(
        '--keyframe-interval',
        type=int,
        default=6,
        help='frames from one annotated frame to the next')
    parser.add_argument(
        '--train-interval',
        type=int,
        default=2,
        help='the same in the training split')
    parser.add_argument(
        '--format', choices=('frames', 'videos', 'both'), default='both')
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument(
        '--overwrite', action='store_true', help='replace a non-empty folder')
    args = parser.parse_args(argv)
    try:
        args.settings = Settings(
            out_dir=args.out_dir,
            seed=args.seed,
            size=args.size,
            videos=tuple(args.videos),
            seconds=args.seconds,
            fps=args.fps,
            interval=args.keyframe_interval,
            train_interval=args.train_interval,
            kind=args.format,
            workers=args.workers,
            overwrite=args.overwrite)
    except ValueError as error:
        parser.error(str(error))
    return args


def main(argv: Optional[List[str]] = None) -> None:
    settings = parse_args(argv).settings
    try:
        truths = generate(settings)
    except OSError as error:
        raise SystemExit(f'error: {error}')
    table = summary(truths, settings.intervals)
    columns = list(table)
    print('\n' + ' ' * 12 + ''.join(f'{c:>8}' for c in columns))
    for row in table['train']:
        print(f'{row:12}' + ''.join(f'{table[c][row]:>8}' for c in columns))
    print(f'Wrote {settings.out_dir}; look at contact_sheet.png and '
          'actions.png in it.')


if __name__ == '__main__':
    main()
