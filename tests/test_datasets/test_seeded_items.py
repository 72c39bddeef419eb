# Copyright (c) mmevad authors. All rights reserved.
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ClassBalancedDataset, pseudo_collate
from mmengine.registry import DATASETS
from torch.utils.data import DataLoader, Dataset

from mmevad.datasets import (SeededIndex, SeededItems, SeededSampler,
                             seeded_items)


class Numbers(Dataset):

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return index, random.random(), np.random.rand(), float(torch.rand(1))


class SeededNumbers(SeededItems, Numbers):
    pass


def epoch_of(number, dataset=None, sampler=None, **kwargs):
    """Items of an epoch by index."""
    dataset = dataset or SeededNumbers()
    sampler = sampler or SeededSampler(dataset, seed=7)
    sampler.set_epoch(number)
    loader = DataLoader(
        dataset, 3, sampler=sampler, collate_fn=pseudo_collate, **kwargs)
    items = sum((list(zip(*batch)) for batch in loader), [])
    assert len(items) == 8
    return {int(item[0]): item[1:] for item in items}


@pytest.mark.parametrize('workers', [1, 3])
def test_workers_make_no_difference(workers):
    torch.manual_seed(1)
    here = epoch_of(2)
    torch.manual_seed(2)
    assert epoch_of(2, num_workers=workers) == here


def test_items_and_epochs_differ():
    items = [*epoch_of(0).values(), *epoch_of(1).values()]
    assert len(set(items)) == 16
    assert len({n for item in items for n in item}) == 48


def test_ordinary_indices_are_as_ever():
    dataset = SeededNumbers()
    assert dataset[3] != dataset[3]
    index = SeededIndex(3, 7, 0)
    assert index == 3 and dataset[index] == dataset[index]


@DATASETS.register_module(force=True)
class Wrapped(BaseDataset):
    """(name, random number)"""

    def __init__(self, name, length):
        self.name, self.length = name, length
        super().__init__(serialize_data=False)

    def load_data_list(self):
        return [dict(name=f'{self.name}{i}') for i in range(self.length)]

    def get_cat_ids(self, index):
        return [0]

    def prepare_data(self, index):
        return self.get_data_info(index)['name'], random.random()


@DATASETS.register_module(force=True)
class SeededWrapped(SeededItems, Wrapped):
    pass


def wrapped(kind='SeededWrapped'):
    """a0, a1, a2, b0, b1, and the same again."""
    parts = [
        dict(type=kind, name='a', length=3),
        dict(type=kind, name='b', length=2)
    ]
    return DATASETS.build(
        dict(
            type='RepeatDataset',
            times=2,
            dataset=dict(type='ConcatDataset', datasets=parts)))


@pytest.mark.parametrize('workers', [0, 2])
def test_seeds_pass_through_wrappers(workers):
    dataset = wrapped()
    epochs = []
    for state in (1, 2):
        random.seed(state)
        sampler = SeededSampler(dataset, shuffle=False, seed=7)
        sampler.set_epoch(3)
        loader = DataLoader(
            dataset, 2, sampler=sampler, num_workers=workers, collate_fn=list)
        epochs.append([item for batch in loader for item in batch])
    assert epochs[0] == epochs[1]
    names, numbers = zip(*epochs[0])
    assert names == ('a0', 'a1', 'a2', 'b0', 'b1') * 2
    # neither the first items of two parts nor repetitions are alike
    assert len(set(numbers)) == 10


def test_datasets_that_lose_the_seed_are_named(monkeypatch):

    def warned(dataset):
        lines = []
        monkeypatch.setattr(seeded_items, 'print_log',
                            lambda line, **kwargs: lines.append(line))
        SeededSampler(dataset, seed=7)
        return ''.join(lines)

    assert warned(wrapped()) == ''
    assert warned(SeededNumbers()) == ''
    assert 'Items of Wrapped do not get seeds' in warned(wrapped('Wrapped'))
    # it looks indices up in a table
    balanced = ClassBalancedDataset(SeededWrapped('a', 3), 0.5)
    assert 'ClassBalancedDataset' in warned(balanced)
