# Copyright (c) mmevad authors. All rights reserved.
"""Randomness of the model that depends on the iteration alone."""
from typing import Optional

from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner

from ..utils.seeding import seed_everything


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seeds all generators before each training iteration.

    Then drop path, dropout and other random choices of the model are
    functions of the seed, the iteration and the process: a resumed run makes
    the same ones as an uninterrupted run, without any state to save.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self,
                          runner: Runner,
                          batch_idx: int,
                          data_batch: Optional[DATA_BATCH] = None) -> None:
        """Seed ``random``, NumPy and PyTorch."""
        seed_everything(runner.seed, runner.iter, get_rank())
