# Copyright (c) mmevad authors. All rights reserved.
"""Every ActionFormer config builds and computes a loss on short features."""
from pathlib import Path

import pytest
import torch
import yaml
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

import mmevad  # noqa: F401

FOLDER = Path(__file__).parents[3] / 'configs/actionformer'
CONFIGS = sorted(FOLDER.glob('*.py'))
META = {
    m['Name']: m
    for m in yaml.safe_load((FOLDER / 'metafile.yml').read_text())['Models']
}


def sample(length):
    found = ActionDataSample()
    found.set_metainfo(dict(video_name='v', feat_len=length))
    found.gt_instances = InstanceData(
        segments=torch.tensor([[2., 5.], [4., 30.]]),
        labels=torch.zeros(2, dtype=torch.long))
    return found


@pytest.mark.parametrize('path', CONFIGS, ids=[p.stem for p in CONFIGS])
def test_config(path):
    cfg = Config.fromfile(str(path))
    neck, head = cfg.model.neck, cfg.model.head
    dataset = cfg.train_dataloader.dataset
    assert dataset.feat_dims == neck.in_channels
    assert neck.embed_dims == head.in_channels
    assert dataset.get('class_agnostic', False) == (head.num_classes == 1)
    crops = [t for t in dataset.pipeline if t.type == 'RandomCropSegments']
    assert all(t.max_seq_len == neck.max_seq_len for t in crops)
    tested = cfg.test_dataloader.dataset
    assert cfg.test_evaluator.ann_file == tested.data_root + tested.ann_file
    assert cfg.test_evaluator.subset == tested.subset
    warm, cosine = cfg.param_scheduler
    assert warm.end == cosine.begin
    assert cosine.end == cosine.begin + cosine.T_max
    assert cosine.end == cfg.train_cfg.max_epochs

    neck.embed_dims = head.in_channels = head.feat_channels = 16
    neck.in_channels, neck.max_seq_len = 6, 192
    head.test_cfg.score_fusion = None  # its file is the user's
    model = MODELS.build(cfg.model)
    losses = model([torch.randn(6, 100)], [sample(100)], mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite() and total > 0


@pytest.mark.parametrize('path', CONFIGS, ids=[p.stem for p in CONFIGS])
def test_metafile_counts_the_parameters(path):
    cfg = Config.fromfile(str(path)).model
    cfg.head.test_cfg.score_fusion = None
    with torch.device('meta'):
        model = MODELS.build(cfg)
    count = sum(p.numel() for p in model.parameters())
    assert META[path.stem]['Metadata']['Parameters'] == count
