# Copyright (c) mmevad authors. All rights reserved.
"""Training stops at the first loss that is no number."""
import os.path as osp
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from ..utils.errors import DataError
from ..utils.json_file import write_json

_NAMES = ('video_name', 'img_key', 'video_id')


class _Step(NamedTuple):
    """What has to be known of an iteration until it is checked."""
    iteration: int
    terms: Dict[str, Tensor]
    items: List[str]


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops training when a loss is NaN or infinite.

    The items of the batch are named in the error and written, with all loss
    terms, to ``bad_batch_rank<k>.json`` in the work directory. An iteration
    is checked after the next one has been started, so that a GPU never
    waits, and always before a checkpoint: none is saved with weights that
    such a loss has spoilt.

    Raises:
        DataError: With the iteration, the terms and the items.
    """

    # before CheckpointHook
    priority = 'NORMAL'

    def __init__(self) -> None:
        self._pending: Optional[_Step] = None

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Check the iteration before, remember this one."""
        self._check(runner)
        terms = {
            name: value.detach()
            for name, value in (outputs or {}).items()
            if isinstance(value, Tensor) and 'loss' in name
        }
        if terms:
            self._pending = _Step(runner.iter, terms, _names_of(data_batch))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the last iteration."""
        self._check(runner)

    def after_train(self, runner: Runner) -> None:
        """Check the last iteration."""
        self._check(runner)

    def _check(self, runner: Runner) -> None:
        step, self._pending = self._pending, None
        if step is None:
            return
        finite = torch.stack([t.isfinite().all() for t in step.terms.values()])
        if finite.all():
            return
        wrong = [
            name for name, ok in zip(step.terms, finite.tolist()) if not ok
        ]
        path = osp.join(runner.work_dir, f'bad_batch_rank{get_rank()}.json')
        write_json(
            path,
            dict(
                iteration=step.iteration,
                items=step.items,
                # JSON has no NaN
                losses={
                    k: str(float(v.sum()))
                    for k, v in step.terms.items()
                }))
        raise DataError(
            f'{", ".join(wrong)} of iteration {step.iteration} is NaN or '
            f'infinite; the batch holds {", ".join(step.items)} (see {path}). '
            'Look at this data, lower the learning rate or train without '
            '--amp, then go on with --resume.')


def _names_of(data_batch: Optional[Dict[str, Any]]) -> List[str]:
    """What the items of a batch are called."""
    samples = (data_batch or {}).get('data_samples') or []
    names = []
    for sample in samples:
        found = [str(sample.get(key)) for key in _NAMES if key in sample]
        names.append(found[0] if found else '(without a name)')
    return names
