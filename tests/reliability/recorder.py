# Copyright (c) mmevad authors. All rights reserved.
"""The loss curve of all processes together."""
import json
from typing import Dict, List

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from torch import Tensor


@HOOKS.register_module(force=True)
class LossRecorder(Hook):
    """Writes the mean over the processes of each loss, for each iteration.

    Args:
        path (str): JSON: ``{name: [value of each iteration]}``.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.curves: Dict[str, List[float]] = {}

    def after_train_iter(self,
                         runner,
                         batch_idx,
                         data_batch=None,
                         outputs=None) -> None:
        terms = {k: v for k, v in outputs.items() if isinstance(v, Tensor)}
        means = torch.stack(
            [value.detach().mean() for value in terms.values()]).double()
        all_reduce(means, op='mean')
        for name, mean in zip(terms, means.tolist()):
            self.curves.setdefault(name, []).append(mean)

    def after_train(self, runner) -> None:
        if is_main_process():
            with open(self.path, 'w') as file:
                json.dump(self.curves, file)
