# Copyright (c) mmevad authors. All rights reserved.
"""A model, and items of its config's dataset as it gets them."""
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from mmevad.apis.action_names import find_action_names
from mmevad.apis.model_loading import (find_test_dataset, load_model,
                                       open_device, stored_classes)
from mmevad.apis.model_zoo import find_model
from mmevad.utils.errors import DataError


class LoadedEVAD(NamedTuple):
    """A model that is ready to be looked at.

    Attributes:
        cfg (Config): Its config.
        model (nn.Module): :class:`EVAD` in evaluation mode.
        classes (list[str]): Names of the actions.
    """
    cfg: Config
    model: nn.Module
    classes: List[str]


class Batch(NamedTuple):
    """Items before and after the data preprocessor.

    Attributes:
        raw (list[Tensor]): What the pipeline packed.
        inputs (Tensor): (B, 3, T, H, W), normalised and padded.
        samples (list[ActionDataSample]): Their samples.
    """
    raw: List[Tensor]
    inputs: Tensor
    samples: List[ActionDataSample]


def load_evad(config: str,
              checkpoint: str,
              device: Optional[str] = None,
              keep_rate: Optional[float] = None) -> LoadedEVAD:
    """Build a model and load its weights.

    Args:
        config (str): Config file or name in the zoo.
        checkpoint (str): Path or URL.
        device (str, optional): Defaults to None: CUDA if there is any.
        keep_rate (float, optional): Instead of the config's.

    Raises:
        CheckpointError: If the weights are not those of the model.
        DataError: If the config is none of an EVAD.
    """
    cfg, weights = find_model(config, checkpoint)
    settings = find_test_dataset(cfg)
    if cfg.model.type != 'EVAD':
        raise DataError(f'{config} is the config of {cfg.model.type}; tokens '
                        'are kept and dropped by EVAD.')
    if keep_rate is not None:
        cfg.model.backbone.keep_rate = keep_rate
    model, meta = load_model(cfg.model, weights, open_device(device))
    classes = find_action_names(
        model.context_decoder.num_classes,
        classes=stored_classes(meta),
        dataset=settings)
    return LoadedEVAD(cfg, model, classes)


def build_split(cfg: Config, split: str) -> Any:
    """Dataset of ``train_dataloader``, ``val_dataloader`` or
    ``test_dataloader``.

    Raises:
        DataError: If the config has none.
    """
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise DataError(f'The config has no {split}_dataloader.')
    return DATASETS.build(loader.dataset)


def choose_items(dataset: Any, indices: Sequence[int]) -> List[Any]:
    """Items by number.

    Raises:
        DataError: If the dataset is shorter.
    """
    for index in indices:
        if not 0 <= index < len(dataset):
            raise DataError(f'There is no item {index}; the split has '
                            f'{len(dataset)}, from 0.')
    return [dataset[index] for index in indices]


def preprocess(model: nn.Module, items: Sequence[dict]) -> Batch:
    """Collate items and run the data preprocessor of a model."""
    raw = [item['inputs'] for item in items]
    data = model.data_preprocessor(pseudo_collate(items), False)
    return Batch(raw, data['inputs'], data['data_samples'])


def img_shapes(samples: Sequence[ActionDataSample]) -> List[Tuple[int, int]]:
    """Unpadded (height, width) of each clip."""
    return [tuple(sample.img_shape[:2]) for sample in samples]
