# Copyright (c) mmevad authors. All rights reserved.
"""Random augmentation that depends on the item and the epoch alone.

Not on which worker or process loads the item, after which others. So the
number of workers and of processes does not change the data, and a resumed run
sees what an uninterrupted one would have.
"""
import logging
from typing import Any, Iterator, List, Optional, Tuple

from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import ConcatDataset, DefaultSampler, RepeatDataset
from mmengine.logging import print_log

from ..utils.seeding import seed_everything


class SeededIndex(int):
    """An index that knows the seed, the epoch and the item it stands for.

    ``+``, ``-`` and ``%`` keep that, so it passes through mmengine's
    ``RepeatDataset`` and ``ConcatDataset``, and each repetition of an item
    has random numbers of its own.

    Args:
        index (int): Of the item.
        seed (int): Of the run.
        epoch (int): From 0.
        item (int, optional): Index that the sampler drew. Defaults to None,
            which means ``index``.
    """

    def __new__(cls,
                index: int,
                seed: int,
                epoch: int,
                item: Optional[int] = None) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed, self.epoch = seed, epoch
        self.item = int(index) if item is None else item
        return self

    def __getnewargs__(self) -> Tuple[int, int, int, int]:
        return int(self), self.seed, self.epoch, self.item

    def _moved(self, index: int) -> 'SeededIndex':
        return SeededIndex(index, self.seed, self.epoch, self.item)

    def __add__(self, other: int) -> 'SeededIndex':
        return self._moved(int(self) + other)

    def __sub__(self, other: int) -> 'SeededIndex':
        return self._moved(int(self) - other)

    def __mod__(self, other: int) -> 'SeededIndex':
        return self._moved(int(self) % other)


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's DefaultSampler, with indices for :class:`SeededItems`.

    Warns of datasets that would not make use of them.

    Args:
        *args, **kwargs: Those of ``DefaultSampler``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in unseeded(self.dataset):
            print_log(
                f'Items of {name} do not get seeds from SeededSampler: their '
                'augmentation depends on the number of workers, and a '
                f'resumed training differs. Derive {name} from '
                'mmevad.datasets.SeededItems.',
                logger='current',
                level=logging.WARNING)

    def __iter__(self) -> Iterator[SeededIndex]:
        for index in super().__iter__():
            yield SeededIndex(index, self.seed, self.epoch)


class SeededItems:
    """Mix-in for a dataset whose pipeline draws random numbers.

    Items asked for with an ordinary index are as random as ever.
    """

    def __getitem__(self, index: int) -> Any:
        if isinstance(index, SeededIndex):
            index, seed, epoch, item = index.__getnewargs__()
            seed_everything(seed, epoch, item)
        return super().__getitem__(index)


def unseeded(dataset: Any) -> List[str]:
    """Class names of datasets, in wrappers too, that do not seed items."""
    if isinstance(dataset, SeededItems):
        return []
    if isinstance(dataset, RepeatDataset):
        return unseeded(dataset.dataset)
    if isinstance(dataset, ConcatDataset):
        names = [name for part in dataset.datasets for name in unseeded(part)]
        return list(dict.fromkeys(names))
    return [type(dataset).__name__]
