"""Weight decay groups and learning rates, by mmengine's own means.

The numbers are the released recipe's, from the folder MMEVAD_GOLDEN.
"""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

from mmevad.converters.actionformer import rename_actionformer
from .golden_model import Reference, load, load_json, model_config

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

EXTRAS = load_json('extras.json')
RATES = load('extras.npz')
CONFIG = Path(__file__).parents[3] / 'configs' / '_base_' / 'actionformer.py'


def optimizer_of(model):
    cfg = Config.fromfile(CONFIG).optim_wrapper
    return build_optim_wrapper(model, cfg).optimizer


def schedule(cfg):
    """Warm-up from 0, then cosine or steps; every iteration."""
    warmup, end = cfg['warmup_epochs'], cfg['warmup_epochs'] + cfg['epochs']
    common = dict(by_epoch=True, convert_to_iter_based=True)
    schedulers = []
    if warmup:
        schedulers.append(
            dict(
                type='LinearLR',
                start_factor=1e-8,  # 0 would divide by zero
                begin=0,
                end=warmup,
                **common))
    if cfg['schedule_type'] == 'cosine':
        schedulers.append(
            dict(
                type='CosineAnnealingLR',
                eta_min=1e-8 if warmup else 0.,
                begin=warmup,
                end=end,
                **common))
    else:
        schedulers.append(
            dict(
                type='MultiStepLR',
                milestones=[warmup + s for s in cfg['schedule_steps']],
                gamma=cfg['gamma'],
                **common))
    return schedulers


@pytest.mark.skipif(
    'weight_decay_groups_tiny_rel_pe' not in EXTRAS, reason='optional')
def test_golden_actionformer_weight_decay():
    cfg = model_config(Reference('rel_pe').cfg)
    model = MODELS.build(cfg)
    names = {id(p): n for n, p in model.named_parameters()}
    found = {0.: set(), 0.05: set()}
    for group in optimizer_of(model).param_groups:
        for param in group['params']:
            found[group['weight_decay']].add(names[id(param)])
    groups = EXTRAS['weight_decay_groups_tiny_rel_pe']
    for decay, key in ((0.05, 'decayed'), (0., 'not_decayed')):
        assert found[decay] == {rename_actionformer(n) for n in groups[key]}


@pytest.mark.parametrize('tag', [k for k in RATES if k.startswith('lr/')])
def test_golden_actionformer_learning_rate(tag):
    cfg = EXTRAS[tag]
    param = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([param], lr=cfg['base_lr'])
    schedulers = [
        PARAM_SCHEDULERS.build(
            one,
            default_args=dict(
                optimizer=optimizer, epoch_length=cfg['iters_per_epoch']))
        for one in schedule(cfg)
    ]
    rates = []
    for _ in RATES[tag]:
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert np.abs(rates - RATES[tag]).max() <= 1e-8 * cfg['base_lr']
