# Copyright (c) mmevad authors. All rights reserved.
"""Every config: is built, counted, trained and tested on tiny real files.

The datasets lie where the configs expect them, see ``fixtures.py``; what is
made smaller is in ``shrink.py``. A config that either does not know fails.
"""
import gc
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch.overrides import TorchFunctionMode

from mmevad.datasets import SegmentDataset
from .catalog import PATHS, entry, every, load
from .fixtures import write_dataset
from .shrink import shrink

# what each type of evaluator reports at least
METRICS = dict(
    AVAMetric={'mAP/overall'},
    AVAFrameMAP={'mAP/overall'},
    PersonAP={'person-AP@0.5'},
    TubeMAP={'frame-mAP@0.5', 'video-mAP@0.2', 'video-mAP@0.5'},
    SegmentMAP={'mAP', 'recall@1x_tIoU=0.50'})


class MetaParameters(TorchFunctionMode):
    """Layers of any size cost nothing; tables are computed as usual."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.empty:
            kwargs = dict(kwargs or {}, device='meta')
        return func(*args, **(kwargs or {}))


def build(model: ConfigDict):
    """The model, without a file of pretrained weights."""
    model = model.copy()
    if 'backbone' in model:
        model.backbone.pop('init_cfg', None)
    return MODELS.build(model)


@every(PATHS)
def test_metafile_counts_the_parameters(path):
    cfg = load(path)
    init_default_scope('mmaction')
    with MetaParameters():
        model = build(cfg.model)
    count = sum(p.numel() for p in model.parameters())
    assert entry(path)['Metadata']['Parameters'] == count


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Where the datasets are written, those that are needed."""
    return tmp_path_factory.mktemp('configs')


@pytest.fixture
def workplace(root, monkeypatch):
    """Configs name paths relative to where they are run from."""
    monkeypatch.chdir(root)
    # what is logged takes longer than all that is run: the versions of
    # compilers, and the config's text, formatted eight times
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr('mmengine.config.config.FormatCode',
                        lambda text, **kwargs: (text, True))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.freeze()  # each dataset collects garbage, among all that is imported
    yield root
    gc.unfreeze()
    torch.set_num_threads(threads)


class LossIsPositive(Hook):
    """After every iteration, and finite."""

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        assert 0 < outputs['loss'] < float('inf')


def classes_of(dataset) -> int:
    """Actions that are annotated, without a background column."""
    if isinstance(dataset, SegmentDataset):
        return 1 if dataset.class_agnostic else len(
            dataset.metainfo['classes'])
    return dataset.num_classes - 1


def count_classes(model: ConfigDict) -> int:
    """Actions that the model scores."""
    part = model.head if 'head' in model else model.context_decoder
    return part.num_classes


def write_pretrained(cfg: ConfigDict) -> None:
    """Weights of the small backbone, under the name that the config has."""
    init = cfg.model.get('backbone', {}).get('init_cfg')
    if init:
        path = init.checkpoint
        state = build(cfg.model).backbone.state_dict()
        torch.save(dict(state_dict=state), path)


@every(PATHS)
def test_runner(path, workplace):
    cfg = shrink(load(path))
    write_dataset(workplace, cfg.data_root)
    (workplace / 'checkpoints').mkdir(exist_ok=True)
    write_pretrained(cfg)
    cfg.work_dir = str(workplace / 'work_dirs' / path.stem)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(LossIsPositive())
    runner.train()
    assert (classes_of(runner.train_dataloader.dataset) == classes_of(
        runner.val_dataloader.dataset) == count_classes(cfg.model))
    # parameters that no loss reaches have no state
    states = runner.optim_wrapper.optimizer.state
    assert [
        name for name, param in runner.model.named_parameters()
        if param.requires_grad and param not in states
    ] == []
    assert (Path(cfg.work_dir) / 'epoch_1.pth').is_file()
    metrics = runner.test()
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators,
                                              list) else [evaluators]:
        for name in METRICS[evaluator.type]:
            assert 0 <= metrics[name] <= 1


def clip_inputs(cfg: ConfigDict):
    """A clip of 64x96 pixels with one person."""
    sample = ActionDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[5., 6., 40., 60.]]),
        labels=torch.eye(count_classes(cfg.model) + 1)[3:4])
    clip = torch.randint(0, 256, (3, cfg.model.backbone.num_frames, 64, 96))
    return dict(inputs=[clip.byte()], data_samples=[sample])


def feature_inputs(cfg: ConfigDict):
    """A sequence of full length with two actions."""
    neck = cfg.model.neck
    sample = ActionDataSample()
    sample.set_metainfo(dict(video_name='v', feat_len=neck.max_seq_len))
    sample.gt_instances = InstanceData(
        segments=torch.tensor([[2., 5.], [4., 30.]]),
        labels=torch.zeros(2, dtype=torch.long))
    feats = torch.randn(neck.in_channels, neck.max_seq_len)
    return dict(inputs=[feats], data_samples=[sample])


@pytest.mark.slow
@torch.no_grad()
@every(PATHS)
def test_full_size(path):
    """The model as it is: published width, depth and number of queries."""
    cfg = load(path)
    init_default_scope('mmaction')
    model = build(cfg.model)
    inputs = clip_inputs if 'backbone' in cfg.model else feature_inputs
    data = model.data_preprocessor(inputs(cfg), training=True)
    losses = model(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    assert 0 < total < float('inf')
