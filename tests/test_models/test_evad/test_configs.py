"""Every EVAD config builds and computes a loss on a small clip."""
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

import mmevad  # noqa: F401

CONFIGS = sorted((Path(__file__).parents[3] / 'configs/evad').glob('*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=[p.stem for p in CONFIGS])
def test_config(path):
    cfg = Config.fromfile(str(path))
    backbone = cfg.model.backbone
    backbone.pop('init_cfg', None)
    if backbone.embed_dims > 512:  # shrink: 32-d heads, same wiring
        width = 32 * backbone.num_heads
        backbone.embed_dims = width
        cfg.model.neck.in_channels = [width] * 4
        cfg.model.context_decoder.in_channels = width
    model = MODELS.build(cfg.model)
    model.init_weights()
    classes = cfg.model.context_decoder.num_classes
    assert classes + 1 == cfg.train_dataloader.dataset.num_classes
    assert classes + 1 == cfg.val_evaluator.num_classes
    sample = ActionDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[5., 6., 40., 60.]]),
        labels=torch.eye(classes + 1)[3:4])
    clip = torch.randint(0, 256, (3, backbone.num_frames, 64, 96))
    data = model.data_preprocessor(
        dict(inputs=[clip.byte()], data_samples=[sample]))
    losses = model(data['inputs'], data['data_samples'], mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite() and total > 0


def test_base_names_are_unique():
    """mim finds configs by base name."""
    names = [p.name for p in CONFIGS[0].parents[1].rglob('*.py')]
    assert len(names) == len(set(names))
