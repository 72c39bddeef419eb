# Copyright (c) mmevad authors. All rights reserved.
"""Look at what a config's pipeline hands to the model: items as pictures.

Of a dataset of boxes, the keyframe with its boxes and labels, and the frames
of the clip; of a dataset of segments, these below the norm of the features.
"""
import argparse
import os
import sys
from typing import Any, List, Optional, Tuple

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import cv2
import numpy as np
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from mmevad.utils.errors import DataError
from mmevad.utils.seeding import seed_everything
from mmevad.utils.zoo import find_config
from mmevad.visualization.model_inputs import build_split, choose_items
from mmevad.visualization.naming import class_names, picture_path, sample_name
from mmevad.visualization.samples import draw_clip_item, draw_feature_item


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file, or a name in the zoo')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument(
        '--number',
        type=int,
        default=10,
        help='items, evenly spread over the split; 10 by default')
    parser.add_argument(
        '--items', type=int, nargs='+', help='their numbers instead, from 0')
    parser.add_argument(
        '--seed', type=int, default=0, help='of random augmentation')
    parser.add_argument('--out-dir', default='outputs/browse_dataset')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings of the config to override, as key=value')
    args = parser.parse_args(argv)
    if args.number < 1:
        parser.error('--number must be at least 1')
    return args


def draw_item(dataset: Any, index: int, seed: int) -> Tuple[str, np.ndarray]:
    """Name and picture (BGR) of an item.

    Raises:
        DataError: If there is no such item, or it is not to be drawn.
    """
    seed_everything(seed, index)
    item = choose_items(dataset, [index])[0]
    inputs, sample = item['inputs'], item['data_samples']
    name = sample_name(sample)
    title = f'item {index} of {len(dataset)}, {name}'
    if inputs.dim() == 2:
        classes = class_names(dataset, 0)
        picture = draw_feature_item(inputs, sample, classes, title)
        return name, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    if 'gt_instances' not in sample:
        raise DataError(f'Item {index} has no gt_instances; the pipeline must '
                        'pack gt_bboxes and gt_labels.')
    num_classes = sample.gt_instances.labels.shape[-1] - 1
    classes = class_names(dataset, num_classes)
    return name, draw_clip_item(inputs, sample, num_classes, classes, title)


def main(argv: Optional[List[str]] = None) -> List[str]:
    args = parse_args(argv)
    paths = []
    try:
        cfg = Config.fromfile(find_config(args.config))
        cfg.merge_from_dict(args.cfg_options or {})
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        dataset = build_split(cfg, args.split)
        count = min(args.number, len(dataset))
        items = args.items or np.linspace(0,
                                          len(dataset) - 1,
                                          count).astype(int).tolist()
        os.makedirs(args.out_dir, exist_ok=True)
        for index in items:
            name, picture = draw_item(dataset, index, args.seed)
            paths.append(
                picture_path(args.out_dir, f'{args.split}_{index}_{name}'))
            if not cv2.imwrite(paths[-1], picture):
                raise DataError(f'{paths[-1]} cannot be written.')
    except DataError as error:
        sys.exit(f'error: {error}')
    print(f'Wrote {len(paths)} pictures to {args.out_dir}')
    return paths


if __name__ == '__main__':
    main()
