# Copyright (c) mmevad authors. All rights reserved.
"""Both pipelines on data of a few seconds, for ``tools/train.py``."""
import json
import os
import os.path as osp
from typing import List

import numpy as np

from mmevad.datasets.synth_actors.dataset import Settings, generate
from .training import ROOT

SPLITS = ('train', 'val', 'test')


def evad(folder: str, **options) -> List[str]:
    """EVAD on ten drawn videos.

    Args:
        folder (str): For the data, ``<folder>/data`` is made.
        **options: Of the config, with ``__`` for dots.

    Returns:
        list[str]: Arguments, of which the last ones are ``--cfg-options``.
    """
    data = osp.join(folder, 'data')
    generate(
        Settings(
            data,
            videos=(6, 1, 3),
            seconds=2.,
            train_interval=4,
            kind='frames',
            workers=1))
    annotations = osp.join(data, 'annotations')
    label = osp.join(annotations, 'label_map.pbtxt')
    settings = {}
    for split in SPLITS:
        loader = f'{split}_dataloader.dataset.'
        settings[loader + 'ann_file'] = f'{annotations}/ava_{split}.csv'
        settings[loader + 'label_file'] = label
        settings[loader + 'data_prefix.img'] = osp.join(data, 'frames')
    for split in SPLITS[1:]:
        evaluator = f'{split}_evaluator.'
        settings[evaluator + 'ann_file'] = f'{annotations}/ava_{split}.csv'
        settings[evaluator + 'label_file'] = label
    return _arguments('evad', 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb',
                      {
                          'train_dataloader.batch_size': 6,
                          **settings
                      }, options)


def actionformer(folder: str, **options) -> List[str]:
    """ActionFormer on signals of eleven people, 8 to train and 3 to test.

    Actions can be seen in the signals. Arguments as for :func:`evad`.
    """
    rng = np.random.default_rng(0)
    data = osp.join(folder, 'data')
    os.makedirs(osp.join(data, 'features'))
    database = {}
    for i in range(11):
        length = 300 + 10 * i
        feats = rng.standard_normal((length, 150)).astype(np.float32)
        starts = np.sort(rng.uniform(0, length / 2 - 20, 12)).round(2)
        for j, start in enumerate(starts):
            feats[int(2 * start):int(2 * start) + 20, 12 * j:12 * j + 12] += 2
        np.save(osp.join(data, 'features', f'sbj_{i}.npy'), feats)
        database[f'sbj_{i}'] = dict(
            subset='Validation' if i > 7 else 'Training',
            duration=(length - 1) / 2 + 1,
            fps=50,
            annotations=[
                dict(segment=[start, start + 10], label=f'a{j}', label_id=j)
                for j, start in enumerate(starts.tolist())
            ])
    ann = osp.join(data, 'sbhar.json')
    with open(ann, 'w') as file:
        json.dump(dict(version='', database=database), file)
    settings = {'train_cfg.val_interval': 1}
    for split in SPLITS:
        loader = f'{split}_dataloader.dataset.'
        settings[loader + 'ann_file'] = ann
        settings[loader + 'data_prefix.feat'] = osp.join(data, 'features')
    for split in SPLITS[1:]:
        settings[f'{split}_evaluator.ann_file'] = ann
    return _arguments(
        'actionformer',
        'actionformer_raw-d128_1xb2-2304x25x1-65e_sbhar-accelerometer',
        settings, options)


def _arguments(kind: str, config: str, settings: dict,
               options: dict) -> List[str]:
    given = {name.replace('__', '.'): value for name, value in options.items()}
    pairs = [f'{k}={v}' for k, v in {**settings, **given}.items()]
    path = osp.join(ROOT, 'configs', kind, config + '.py')
    return [path, '--cfg-options', *pairs]
