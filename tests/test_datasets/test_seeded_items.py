# Copyright (c) mmevad authors. All rights reserved.
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, Dataset

from mmevad.datasets import SeededIndex, SeededItems, SeededSampler


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
