# Copyright (c) mmevad authors. All rights reserved.
"""A killed and resumed training ends with the weights of an undisturbed one.

``make test-reliability``, or with other numbers
``MMEVAD_KILLS=50 pytest tests/reliability -m reliability``.
"""
import json
import os
import os.path as osp
import sys
import time

import numpy as np
import pytest

from mmevad.datasets.synth_actors.dataset import Settings, generate
from . import training

pytestmark = pytest.mark.reliability
KILLS = int(os.environ.get('MMEVAD_KILLS', 20))


def evad_arguments(folder):
    """A few drawn people, a very small model."""
    data = osp.join(folder, 'data')
    generate(
        Settings(
            data,
            videos=(6, 1, 1),
            seconds=2.,
            train_interval=4,
            kind='frames',
            workers=1))
    name = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py'
    options = ['train_dataloader.batch_size=6', 'train_cfg.max_epochs=5']
    for split in ('train', 'val'):
        ann = f'{data}/annotations/ava_{split}.csv'
        label = f'{data}/annotations/label_map.pbtxt'
        options += [
            f'{split}_dataloader.dataset.ann_file={ann}',
            f'{split}_dataloader.dataset.label_file={label}',
            f'{split}_dataloader.dataset.data_prefix.img={data}/frames'
        ]
    options += [
        f'val_evaluator.ann_file={data}/annotations/ava_val.csv',
        f'val_evaluator.label_file={label}'
    ]
    return [
        osp.join(training.ROOT, 'configs', 'evad', name), '--cfg-options',
        *options
    ]


def actionformer_arguments(folder):
    """Made-up signals of ten people."""
    rng = np.random.default_rng(0)
    data = osp.join(folder, 'data')
    os.makedirs(osp.join(data, 'features'))
    database = {}
    for i in range(10):
        length = 300 + 10 * i
        feats = rng.standard_normal((length, 150)).astype(np.float32)
        np.save(osp.join(data, 'features', f'sbj_{i}.npy'), feats)
        starts = np.sort(rng.uniform(0, length / 2 - 20, 12))
        database[f'sbj_{i}'] = dict(
            subset='Validation' if i > 7 else 'Training',
            duration=(length - 1) / 2 + 1,
            fps=50,
            annotations=[
                dict(
                    segment=[round(s, 2), round(s + 10, 2)],
                    label=f'a{j}',
                    label_id=j) for j, s in enumerate(starts)
            ])
    ann = osp.join(data, 'sbhar.json')
    with open(ann, 'w') as file:
        json.dump(dict(version='', database=database), file)
    name = 'actionformer_raw-d128_1xb2-2304x25x1-65e_sbhar-accelerometer.py'
    options = ['train_cfg.max_epochs=12', 'val_evaluator.ann_file=' + ann]
    for split in ('train', 'val'):
        options += [
            f'{split}_dataloader.dataset.ann_file={ann}',
            f'{split}_dataloader.dataset.data_prefix.feat={data}/features'
        ]
    return [
        osp.join(training.ROOT, 'configs', 'actionformer', name),
        '--cfg-options', *options
    ]


@pytest.mark.parametrize('make', [evad_arguments, actionformer_arguments])
def test_killed_training_ends_the_same(make, tmp_path):
    arguments = make(str(tmp_path))
    whole, killed = str(tmp_path / 'whole'), str(tmp_path / 'killed')
    begin = time.monotonic()
    pid = training.start([*arguments, '--work-dir', whole], whole + '.log')
    assert training.finish(pid) == 0, open(whole + '.log').read()[-2000:]
    took = time.monotonic() - begin
    hits = training.train_with_kills(
        arguments, killed, KILLS, longest=took / 2, seed=0)
    name, expected = training.final_state(whole)
    again, found = training.final_state(killed)
    assert again == name
    for key in ('state_dict', 'optimizer', 'param_schedulers',
                'ema_state_dict'):
        assert training.differences(expected.get(key), found.get(key)) == []
    for key in ('best_score', 'keep_ckpt_ids'):
        info = [c['message_hub']['runtime_info'] for c in (expected, found)]
        assert training.differences(info[0][key], info[1][key]) == []
    # the same best checkpoint, and no half-written file
    assert sorted(f for f in os.listdir(killed) if f.startswith('best')) == \
        sorted(f for f in os.listdir(whole) if f.startswith('best'))
    assert not [f for f in os.listdir(killed) if f.endswith('.part')]
    print(
        f'{make.__name__}: {len(hits)} kills, {hits.count("writing")} of '
        f'them while a checkpoint was written; undisturbed {took:.0f} s; '
        'weights, optimiser and best score bit-identical',
        file=sys.stderr)
