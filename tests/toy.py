# Copyright (c) mmevad authors. All rights reserved.
"""What tests/data/toy_config.py builds."""
import torch
from mmaction.registry import DATASETS, METRICS, MODELS
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch.utils.data import Dataset


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    """One number that is drawn towards 3."""

    def __init__(self, data_preprocessor=None) -> None:
        super().__init__(data_preprocessor)
        self.value = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, mode='tensor', **kwargs):
        inputs = torch.stack(inputs)
        if mode == 'loss':
            return dict(loss=((self.value - inputs)**2).mean())
        return [self.value.detach()] * len(inputs)


@DATASETS.register_module(force=True)
class ToyDataset(Dataset):
    metainfo = dict(classes=('a', 'b'))

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict:
        return dict(inputs=torch.tensor(3.))


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    default_prefix = 'toy'

    def process(self, data_batch, data_samples) -> None:
        self.results += [float(value) for value in data_samples]

    def compute_metrics(self, results) -> dict:
        # a NumPy scalar on purpose: it ends up in the checkpoint
        import numpy as np
        return dict(value=np.float64(np.mean(results)))
