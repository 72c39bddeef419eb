# Copyright (c) mmevad authors. All rights reserved.
"""Mixed precision stays finite, and a NaN stops ``tools/train.py``."""
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmevad.compat.mmengine_amp import float16_on_cpu
from .small_training import CONFIGS, losses_of, train, write_config

needs_float16 = pytest.mark.skipif(
    not float16_on_cpu(), reason='autocast of torch has no float16 on a CPU')
DTYPES = ['bfloat16', pytest.param('float16', marks=needs_float16)]
# where the NaN is put, and what it makes of the loss
PLACES = (('evad', 'context_decoder.classifiers.0.1.weight',
           'block0.loss_action'), ('evad', 'actor_head.stages.1.fc_reg.bias',
                                   'stage1.loss_bbox'),
          ('actionformer', 'head.cls_tower.out.bias', 'loss_cls'))
# videos of tests/test_configs/fixtures_ava.py
ITEMS = re.compile(r'train_00[01](,\d{4})?')


@HOOKS.register_module(force=True)
class PoisonHook(Hook):
    """Puts a NaN into a weight before an iteration."""

    def __init__(self, name: str, iteration: int) -> None:
        self.name, self.iteration = name, iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            model = runner.model
            model = model.module if is_model_wrapper(model) else model
            with torch.no_grad():
                model.get_parameter(self.name)[0].fill_(float('nan'))


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """The same few videos and features for all trainings."""
    return tmp_path_factory.mktemp('numerics')


@pytest.fixture
def root(data, tmp_path, monkeypatch):
    """Where a training runs; the configs name relative paths."""
    monkeypatch.chdir(data)
    # what is logged takes longer than what is run
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr('mmengine.config.config.FormatCode',
                        lambda text, **kwargs: (text, True))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield data
    torch.set_num_threads(threads)


def train_with_amp(root, work, kind, dtype, iterations):
    """The losses, and the state of the gradient scaler."""
    cfg = write_config(root, kind, work, iterations)
    assert train(cfg, '--amp', '--cfg-options',
                 f'optim_wrapper.dtype={dtype}') is None
    losses = [row['loss'] for row in losses_of(cfg.work_dir)]
    assert len(losses) == iterations and np.isfinite(losses).all()
    path, = Path(cfg.work_dir).glob('*.pth')
    checkpoint = torch.load(path, weights_only=False)
    for name, value in checkpoint['state_dict'].items():
        assert value.isfinite().all(), name
    return losses, checkpoint['optimizer']['loss_scaler']


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('kind', CONFIGS)
def test_amp_trains_on_a_cpu(kind, dtype, root, tmp_path):
    """``--amp``: losses and weights are finite, the scaler has worked."""
    _, scaler = train_with_amp(root, tmp_path, kind, dtype, 4)
    assert scaler['scale'] >= 1 and scaler['_growth_tracker'] <= 4
    # bfloat16 has the range of float32: no step was left out
    if dtype == 'bfloat16':
        assert (scaler['scale'], scaler['_growth_tracker']) == (2**16, 4)


@pytest.mark.reliability
@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('kind', CONFIGS)
def test_200_steps_of_amp(kind, dtype, root, tmp_path):
    """It learns as without: the last losses are a fraction of the first."""
    losses, scaler = train_with_amp(root, tmp_path, kind, dtype, 200)
    first, last = np.mean(losses[:5]), np.mean(losses[-20:])
    assert last < first / 3
    assert scaler['scale'] >= 2**10
    print(
        f'{kind}, {dtype}: loss {first:.3f} -> {last:.3f} in 200 steps, '
        f'scale {scaler["scale"]:g}, {scaler["_growth_tracker"]} steps since '
        'it last changed',
        file=sys.stderr)


@pytest.mark.parametrize('options', [[], ['--amp']])
@pytest.mark.parametrize('kind,name,term', PLACES)
def test_a_nan_stops_training_and_names_the_batch(kind, name, term, options,
                                                  root, tmp_path):
    """A weight turns NaN before the third of four iterations."""
    cfg = write_config(root, kind, tmp_path, 4)
    cfg.default_hooks.poison = dict(type='PoisonHook', name=name, iteration=2)
    cfg.default_hooks.checkpoint.interval = 1
    said = train(cfg, *options)
    assert re.search(rf'\b{term}\b.*of iteration 2 is NaN', said), said
    path = Path(cfg.work_dir) / 'bad_batch_rank0.json'
    with open(path) as file:
        record = json.load(file)
    assert record['iteration'] == 2 and record['losses'][term] == 'nan'
    assert len(record['items']) == 2
    for item in record['items']:
        assert ITEMS.fullmatch(item) and item in said
    # none with the NaN in it
    for path in Path(cfg.work_dir).glob('*.pth'):
        weights = torch.load(path, weights_only=False)['state_dict']
        assert weights[name].isfinite().all()
    assert len(list(Path(cfg.work_dir).glob('*.pth'))) == 2


def test_nan_features_stop_training_and_name_the_video(root, tmp_path):
    cfg = write_config(root, 'actionformer', tmp_path, 4)
    path = root / 'data/synth_actors/evad_features/train_001.npy'
    good = np.load(path)
    bad = good.copy()
    bad[17, 3] = float('nan')
    np.save(path, bad)
    try:
        said = train(cfg)
    finally:
        np.save(path, good)
    assert 'train_001.npy has NaN' in said
    assert not list(Path(cfg.work_dir).glob('*.pth'))
