# Copyright (c) mmevad authors. All rights reserved.
"""Report everything that is wrong with a segment dataset; changes nothing.

The dataset is that of a config, or an annotation file with options. The exit
status is 1 if there are problems.
"""

import argparse
import sys
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence

from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import DATASETS

from mmevad.datasets import SegmentDataset
from mmevad.datasets.segment_annotations import Problem
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


def dataset_settings(config: dict) -> List[dict]:
    """Settings of the segment datasets inside wrappers."""
    if isinstance(config, (list, tuple)):
        return sum(map(dataset_settings, config), [])
    if 'ann_file' in config:
        return [config]
    inner = config.get('dataset', config.get('datasets', []))
    return dataset_settings(inner)


def from_config(path: str, splits: Sequence[str]) -> List[SegmentDataset]:
    """Datasets of a config, each once.

    Raises:
        DataError: If there are none.
    """
    config = Config.fromfile(path)
    init_default_scope(config.get('default_scope', 'mmaction'))
    datasets: List[SegmentDataset] = []
    seen: List[Any] = []
    for split in splits:
        loader = config.get(f'{split}_dataloader') or {}
        for settings in dataset_settings(loader.get('dataset', [])):
            settings = dict(settings, lazy_init=True)
            key = {
                name: value
                for name, value in settings.items()
                if name not in ('pipeline', 'test_mode')
            }
            if key not in seen:
                seen.append(key)
                datasets.append(DATASETS.build(settings))
    datasets = [x for x in datasets if isinstance(x, SegmentDataset)]
    if not datasets:
        raise DataError(f'{path} has no SegmentDataset in the dataloaders '
                        f'of {", ".join(splits)}.')
    return datasets


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


def report(problems: Sequence[Problem], show: int) -> str:
    """Problems by kind, most frequent kind first."""
    lines: List[str] = []
    kinds: Dict[str, int] = Counter(x.kind for x in problems)
    for kind, count in kinds.most_common():
        found = [x for x in problems if x.kind == kind]
        videos = len({x.video for x in found})
        lines.append(f'{kind}: {count} in {videos} videos')
        shown = found if show < 0 else found[:show]
        lines += [f'  {x.message}' for x in shown]
        if len(shown) < count:
            lines.append(f'  ... and {count - len(shown)} more')
    lines.append(f'{len(problems)} problems')
    return '\n'.join(lines)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_args(argv)
    if args.source.endswith('.py'):
        datasets = from_config(args.source, args.splits)
    else:
        datasets = from_options(args)
    problems: List[Problem] = []
    for dataset in datasets:
        subsets = ', '.join(dataset.subsets or ['all videos'])
        print(f'{dataset.ann_file}, {subsets}')
        problems += dataset.check(annotations_only=args.annotations_only)
    print(report(problems, args.show))
    return int(bool(problems))


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (DataError, ValueError) as error:
        sys.exit(str(error))
