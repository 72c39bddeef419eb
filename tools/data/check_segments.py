# Copyright (c) mmevad authors. All rights reserved.
"""Report everything that is wrong with a segment dataset; changes nothing.

The dataset is that of a config, or an annotation file with options. The exit
status is 1 if there are problems.
"""

import argparse
import sys
from typing import List, Optional, Sequence

import mmevad  # noqa: F401  isort: skip

from mmevad.datasets import SegmentDataset
from mmevad.datasets.problems import Problem, format_problems, lazy_datasets
from mmevad.utils.errors import DataError


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'source', help='config (.py) or annotation file (.json, .json.gz)')
    parser.add_argument(
        '--annotations-only',
        action='store_true',
        help='do not look at the features')
    parser.add_argument(
        '--show',
        type=int,
        default=20,
        metavar='N',
        help='print N problems of each kind, all with -1 (default: 20)')
    parser.add_argument(
        '--splits',
        nargs='+',
        choices=('train', 'val', 'test'),
        default=('train', 'val', 'test'),
        help='with a config: dataloaders to look at (default: all)')
    options = parser.add_argument_group('with an annotation file')
    options.add_argument('--subset', nargs='+', help='default: all videos')
    options.add_argument('--classes', help='file with one name per line')
    options.add_argument(
        '--features', nargs='+', help='folder or HDF5 file of each stream')
    options.add_argument('--feat-stride', type=float, help='frames')
    options.add_argument('--num-frames', type=float, help='frames')
    options.add_argument('--feat-dims', type=int, nargs='+')
    options.add_argument('--feat-prefix', default='')
    options.add_argument('--feat-ext')
    options.add_argument('--feat-key', default='feats')
    options.add_argument('--feat-layout', default='TC')
    options.add_argument('--fps', type=float)
    options.add_argument('--default-fps', type=float)
    args = parser.parse_args(argv)
    if not args.source.endswith('.py') and not (args.features
                                                or args.annotations_only):
        parser.error('an annotation file needs --features or '
                     '--annotations-only')
    return args


def from_options(args: argparse.Namespace) -> List[SegmentDataset]:
    """The dataset of an annotation file."""
    return [
        SegmentDataset(
            args.source,
            feat_stride=args.feat_stride,
            num_frames=args.num_frames,
            subset=args.subset,
            metainfo=dict(classes=args.classes) if args.classes else None,
            data_prefix=dict(feat=args.features or ''),
            feat_prefix=args.feat_prefix,
            feat_ext=args.feat_ext,
            feat_key=args.feat_key,
            feat_layout=args.feat_layout,
            feat_dims=args.feat_dims,
            fps=args.fps,
            default_fps=args.default_fps,
            lazy_init=True)
    ]


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_args(argv)
    if args.source.endswith('.py'):
        datasets = lazy_datasets(args.source, args.splits, (SegmentDataset, ))
    else:
        datasets = from_options(args)
    problems: List[Problem] = []
    for dataset in datasets:
        subsets = ', '.join(dataset.subsets or ['all videos'])
        print(f'{dataset.ann_file}, {subsets}')
        problems += dataset.check(annotations_only=args.annotations_only)
    print(format_problems(problems, args.show))
    return int(bool(problems))


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (DataError, ValueError) as error:
        sys.exit(str(error))
