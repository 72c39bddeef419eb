# Copyright (c) mmevad authors. All rights reserved.
"""Random augmentation that depends on the item and the epoch alone.

Not on which worker or process loads the item, after which others. So the
number of workers and of processes does not change the data, and a resumed run
sees what an uninterrupted one would have.
"""
from typing import Any, Iterator, Tuple

from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler

from ..utils.seeding import seed_everything


class SeededIndex(int):
    """An index that knows the seed and the epoch it is drawn in.

    Args:
        index (int): Of the item.
        seed (int): Of the run.
        epoch (int): From 0.
    """

    def __new__(cls, index: int, seed: int, epoch: int) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed, self.epoch = seed, epoch
        return self

    def __getnewargs__(self) -> Tuple[int, int, int]:
        return int(self), self.seed, self.epoch


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's DefaultSampler, with indices for :class:`SeededItems`."""

    def __iter__(self) -> Iterator[SeededIndex]:
        for index in super().__iter__():
            yield SeededIndex(index, self.seed, self.epoch)


class SeededItems:
    """Mix-in for a dataset whose pipeline draws random numbers.

    Items asked for with an ordinary index are as random as ever.
    """

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, SeededIndex):
            index, seed, epoch = index.__getnewargs__()
            seed_everything(seed, epoch, index)
        return super().__getitem__(index)
