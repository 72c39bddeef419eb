# Copyright (c) mmevad authors. All rights reserved.
"""Report everything that is wrong with a tube or AVA dataset; changes nothing.

The datasets are those of a config (TubeDataset, CheckedAVADataset and its
kind), or a tube file with options. Videos are decoded to count their frames.
The exit status is 1 if there are problems.
"""

import argparse
import sys
from typing import List, Optional, Sequence, Union

import mmevad  # noqa: F401  isort: skip

from mmevad.datasets import CheckedAVADataset, TubeDataset
from mmevad.datasets.problems import Problem, format_problems, lazy_datasets
from mmevad.utils.errors import DataError


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'source', help='config (.py) or tube file (.pkl, .json, with .xz)')
    parser.add_argument(
        '--annotations-only',
        action='store_true',
        help='do not look at frames and videos')
    parser.add_argument(
        '--show',
        type=int,
        default=20,
        metavar='N',
        help='print N problems of each kind, all with -1 (default: 20)')
    parser.add_argument(
        '--dataloaders',
        nargs='+',
        choices=('train', 'val', 'test'),
        default=('train', 'val', 'test'),
        help='with a config: where to look for datasets (default: all)')
    options = parser.add_argument_group('with a tube file')
    options.add_argument('--frames', help='folder with <video>/<frame>')
    options.add_argument('--videos', help='folder with <video>.avi or .mp4')
    options.add_argument(
        '--filename-tmpl',
        default='img_{:05}.jpg',
        help='name of a frame (default: %(default)s)')
    options.add_argument(
        '--subset',
        nargs='+',
        default=('train', 'test'),
        choices=('train', 'test', 'all'),
        help='default: train test')
    options.add_argument(
        '--split', nargs='+', type=int, default=(1, ), help='default: 1')
    args = parser.parse_args(argv)
    sources = (args.frames, args.videos, args.annotations_only or None)
    if not args.source.endswith('.py') and sources.count(None) != 2:
        parser.error('a tube file needs one of --frames, --videos and '
                     '--annotations-only')
    return args


def from_options(args: argparse.Namespace) -> List[TubeDataset]:
    """The datasets of a tube file, one for each split and subset."""
    prefix = dict(video=args.videos) if args.videos else dict(
        img=args.frames or '')
    return [
        TubeDataset(
            args.source, [],
            prefix,
            split=split,
            subset=subset,
            filename_tmpl=args.filename_tmpl,
            lazy_init=True) for split in args.split for subset in args.subset
    ]


def check(dataset: Union[TubeDataset, CheckedAVADataset],
          annotations_only: bool) -> List[Problem]:
    """Problems of one dataset; an AVA dataset stops at the first kind."""
    if isinstance(dataset, TubeDataset):
        print(f'{dataset.ann_file}, {dataset.subset}, split {dataset.split}')
        return dataset.check(annotations_only=annotations_only)
    print(dataset.ann_file)
    dataset.check_files = not annotations_only
    try:
        dataset.full_init()
    except DataError as error:
        return [
            Problem('', 'AVA annotation or files', line)
            for line in str(error).splitlines()
        ]
    return []


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_args(argv)
    if args.source.endswith('.py'):
        datasets = lazy_datasets(args.source, args.dataloaders,
                                 (TubeDataset, CheckedAVADataset))
    else:
        datasets = from_options(args)
    problems: List[Problem] = []
    for dataset in datasets:
        problems += check(dataset, args.annotations_only)
    # a video may be in several splits
    problems = list(dict.fromkeys(problems))
    print(format_problems(problems, args.show))
    return int(bool(problems))


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (DataError, ValueError) as error:
        sys.exit(str(error))
