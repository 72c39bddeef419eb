# Copyright (c) mmevad authors. All rights reserved.
"""Models of odd options either run or are refused by class and option.

One to three options are changed at once. What can be built has to give finite
results of the right shapes in bounded time and memory. Sizes that are too
much together are refused before anything is allocated.
"""
import logging
import os
import sys
from collections import Counter

import hypothesis
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS as REGISTRY
from mmengine.registry import init_default_scope

from mmevad.utils.errors import CheckpointError, ConfigError, DataError
from ..test_models.test_actionformer import small as actionformer
from ..test_models.test_evad import small as evad
from .fuzz_configs import MODELS, configs
from .isolated import little_memory
from .test_fuzz_files import no_hang

QUICK = dict(actionformer=25, evad=15)
MANY = int(os.environ.get('MMEVAD_FUZZ_CONFIGS', 700))


def check_losses(losses, names):
    assert names <= set(losses), losses
    for name, value in losses.items():
        assert value.isfinite().all(), f'{name}={value}'


def run_actionformer(model):
    length = min(50, model.neck.max_seq_len)  # the pipeline crops to it
    feats = actionformer.features(
        length, min(21, length), channels=model.neck.in_channels)
    samples = [
        actionformer.sample(f'v{i}', ((3., 9.), (5., 20.)), (0, 0))
        for i in range(2)
    ]
    for sample in model(feats, samples, mode='predict'):
        pred = sample.pred_instances
        count = len(pred.scores)
        assert pred.segments.shape == (count, 2)
        assert pred.labels.shape == (count, )
        assert pred.segments.isfinite().all() and pred.scores.isfinite().all()
        assert (pred.segments[:, 0] <= pred.segments[:, 1]).all()
        assert ((pred.labels >= 0) &
                (pred.labels < model.head.num_classes)).all()
    check_losses(model(feats, samples, mode='loss'), {'loss_cls', 'loss_reg'})


def evad_batch(model):
    """Two clips of different sizes with people, of the model's kind."""
    batch = evad.raw_batch()
    grid = model.backbone.position.grid
    frames = torch.arange(grid[0] * model.backbone.tubelet_size) % 8
    colours = model.backbone.patch_embed.projection.in_channels
    colours = torch.arange(colours) % 3
    batch['inputs'] = [x[colours][:, frames] for x in batch['inputs']]
    classes = model.context_decoder.num_classes
    for sample in batch['data_samples']:
        labels = torch.rand(len(sample.gt_instances), 1 + classes) > 0.5
        sample.gt_instances.labels = labels.float()
    return model.data_preprocessor(batch)


def run_evad(model):
    data = evad_batch(model)
    args = data['inputs'], data['data_samples']
    queries = model.actor_head.proposal_boxes.num_embeddings
    for sample in model(*args, mode='predict'):
        pred = sample.pred_instances
        count = len(pred.person_scores)
        assert 1 <= count <= queries
        assert pred.bboxes.shape == (count, 4)
        assert pred.scores.shape == (count,
                                     1 + model.context_decoder.num_classes)
        for values in (pred.bboxes, pred.scores, pred.person_scores):
            assert ((values >= 0) & (values <= 1)).all()  # nor NaN
    check_losses(
        model(*args, mode='loss'), {
            'stage0.loss_cls', 'stage0.loss_bbox', 'stage0.loss_iou',
            'block0.loss_action'
        })


RUN = dict(actionformer=run_actionformer, evad=run_evad)


def outcome(name, cfg):
    """'refused', 'no memory' or 'run'; all else is an error of the test."""
    torch.manual_seed(0)
    try:
        model = REGISTRY.build(cfg)
        model.init_weights()
    except (DataError, CheckpointError) as error:
        message = str(error)
        assert '\n' not in message and len(message) < 600, message
        # speaks of a class or, of a checkpoint, of its file
        speaker = message.split(':')[0].split(' ')[0]
        assert speaker in REGISTRY.module_dict or 'no.pth' in message, message
        return 'no memory' if 'not fit into memory' in message else 'refused'
    model.eval()
    with torch.no_grad():
        RUN[name](model)
    return 'run'


def fuzz(name, count):
    """Counts of outcomes for one model."""
    init_default_scope('mmaction')
    counts = Counter()

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(configs(MODELS[name]))
    def run(case):
        cfg, changes = case
        hypothesis.note(changes)
        with no_hang():
            counts[outcome(name, cfg)] += 1

    logging.disable(logging.INFO)  # of all weights, by init_weights
    try:
        with little_memory():
            run()
    finally:
        logging.disable(logging.NOTSET)
    return counts


@pytest.mark.parametrize('name', MODELS)
def test_some_models_run_or_are_refused(name):
    counts = fuzz(name, QUICK[name])
    assert sum(counts.values()) >= QUICK[name]
    assert counts['run'] and counts['refused']


@pytest.mark.reliability
def test_many_models_run_or_are_refused():
    total = 0
    for name in MODELS:
        counts = fuzz(name, MANY)
        print(f'{name:12} {dict(counts)}', file=sys.stderr)
        total += sum(counts.values())
        # more than a few would hide sizes that nobody has bounded
        assert counts['no memory'] <= MANY / 100
        assert min(counts['run'], counts['refused']) > MANY / 4
    assert total >= 2 * MANY


@pytest.mark.parametrize('name, part, options', [
    ('actionformer', 'neck', dict(embed_dims=2**14, arch=(2, 100, 3))),
    ('actionformer', 'neck', dict(embed_dims=[2**16] * 4,
                                  in_channels=[8] * 4)),
    ('actionformer', 'neck', dict(embed_dims=2**12, kernel_size=999)),
    ('actionformer', 'neck', dict(embed_dims=2**12, arch=(900, 1, 3))),
    ('actionformer', 'neck',
     dict(neck_type='fpn', out_channels=2**16, embed_dims=2**14)),
    ('actionformer', 'neck',
     dict(max_seq_len=2**20, embed_dims=2048, use_abs_pe=True)),
    ('actionformer', 'head', dict(feat_channels=2**14, num_layers=20)),
    ('actionformer', 'head', dict(num_classes=2**16, feat_channels=2**16)),
    ('actionformer', 'head',
     dict(num_classes=2**16, in_channels=2**16, num_layers=1)),
    ('evad', 'backbone', dict(embed_dims=2**13, depth=40)),
    ('evad', 'backbone', dict(embed_dims=2**13, mlp_ratio=8., depth=4)),
    ('evad', 'backbone', dict(img_size=2**15, embed_dims=2**14)),
    ('evad', 'backbone',
     dict(in_channels=2**16, patch_size=64, embed_dims=2**10)),
    ('evad', 'neck', dict(out_channels=2**16)),
    ('evad', 'neck', dict(in_channels=[2**16] * 4, out_channels=2**15)),
    ('evad', 'neck',
     dict(num_outs=1000, out_channels=1024, add_extra_convs='on_output')),
    ('evad', 'actor_head', dict(num_queries=2**16, roi_size=64)),
    ('evad', 'actor_head', dict(num_queries=2**16)),
    ('evad', 'actor_head', dict(channels=2**16, roi_size=7)),
    ('evad', 'actor_head',
     dict(channels=2**12, num_stages=100, dynamic_channels=2**10)),
    ('evad', 'actor_head', dict(channels=2**10, num_reg_fcs=999,
                                num_stages=6)),
    ('evad', 'context_decoder', dict(num_classes=2**16, fc_channels=2**16)),
    ('evad', 'context_decoder', dict(num_fcs=1000, fc_channels=2048)),
    ('evad', 'context_decoder', dict(embed_dims=2**13, depth=40)),
    ('evad', 'context_decoder', dict(roi_size=1000)),
])  # yapf: disable
def test_sizes_that_are_too_much_together(name, part, options):
    """Each is within its own bounds; terabytes, some of them."""
    init_default_scope('mmaction')
    cfg, _, _ = MODELS[name]
    cfg = dict(cfg, **{part: dict(cfg[part], **options)})
    with little_memory(2**28), pytest.raises(ConfigError) as info:
        REGISTRY.build(cfg)
    message = str(info.value)
    assert 'together make' in message or 'too many' in message, message
    assert any(option in message for option in options)


def test_long_windows_take_what_videos_are_long():
    """A window of a million frames once took terabytes of masks."""
    torch.manual_seed(0)
    model = actionformer.build(neck=dict(window_size=2**20 - 1, num_heads=2))
    whole = actionformer.build(neck=dict(window_size=-1, num_heads=2))
    feats = actionformer.features(50, 21)
    with little_memory(2**28), torch.no_grad():
        for x, y in zip(model(feats), whole(feats)):
            for a, b in zip(x, y):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
