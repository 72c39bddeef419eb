# Copyright (c) mmevad authors. All rights reserved.
import json
import os

import pytest
import torch
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner

from mmevad.engine import FiniteLossHook  # noqa: F401, registers
from mmevad.utils import DataError
from tests import toy


@DATASETS.register_module(force=True)
class SpoiltDataset(toy.ToyDataset):
    """Six items, one of which is not a number."""

    def __init__(self, bad: int) -> None:
        self.bad = bad

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> dict:
        sample = ActionDataSample(metainfo=dict(img_key=f'clip,{index}'))
        value = float('nan') if index == self.bad else 3.
        return dict(inputs=torch.tensor(value), data_samples=sample)


def runner_of(work_dir, bad, epochs=1):
    cfg = Config.fromfile('tests/data/toy_config.py')
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'{work_dir.name}_{bad}_{epochs}'
    cfg.train_dataloader.dataset = dict(type='SpoiltDataset', bad=bad)
    cfg.train_cfg.max_epochs = epochs
    cfg.param_scheduler = None
    cfg.custom_hooks = [dict(type='FiniteLossHook')]
    return Runner.from_cfg(cfg)


@pytest.mark.parametrize('bad, iteration, items', [
    (1, 0, ['clip,0', 'clip,1']),
    (3, 1, ['clip,2', 'clip,3']),
    (5, 2, ['clip,4', 'clip,5']),
])
def test_the_batch_is_named_and_nothing_is_saved(tmp_path, bad, iteration,
                                                 items):
    with pytest.raises(DataError) as error:
        runner_of(tmp_path, bad).train()
    assert f'iteration {iteration} is NaN' in str(error.value)
    assert ', '.join(items) in str(error.value)
    with open(tmp_path / 'bad_batch_rank0.json') as file:
        record = json.load(file)
    assert record['iteration'] == iteration and record['items'] == items
    assert record['losses'] == dict(loss='nan')
    assert not [f for f in os.listdir(tmp_path) if f.endswith('.pth')]


def test_good_losses_pass(tmp_path):
    runner_of(tmp_path, bad=99).train()
    assert (tmp_path / 'epoch_1.pth').is_file()
    assert not (tmp_path / 'bad_batch_rank0.json').exists()
