import json
import math

import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.utils.errors import DataError
from .small import (CHANNELS, CLASSES, build, features, head_config,
                    neck_config, sample)


def training_batch():
    return features(40, 64), [
        sample('a', [[2., 9.], [4., 30.]], [1, 0]),
        sample('b', [[50., 60.]], [2])
    ]


def test_losses_reach_every_weight():
    model = build(dict(drop_path_rate=0.1)).train()
    losses = model(*training_batch(), mode='loss')
    assert set(losses) == {'loss_cls', 'loss_reg'}
    total, log_vars = model.parse_losses(losses)
    assert total == losses['loss_cls'] + losses['loss_reg']
    total.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_prediction():
    """Sorted by score, in seconds, inside the video."""
    model = build()
    short = sample()
    short.set_metainfo(dict(duration=3.))
    results = model(features(60, 100), [short, sample()], mode='predict')
    for result in results:
        pred = result.pred_instances
        assert len(pred) > 0 and pred.segments.shape == (len(pred), 2)
        assert (pred.scores.diff() <= 0).all()
        assert (pred.segments >= 0).all()
        assert (pred.segments <= result.duration).all()
        assert pred.labels.max() < CLASSES


def test_classes_from_elsewhere(tmp_path):
    """Class-agnostic proposals and a classifier of whole videos."""
    file = tmp_path / 'scores.json'
    file.write_text(json.dumps(dict(v=[0.1, 0.5, 0.3], w=[0.9, 0., 0.2])))
    fusion = dict(type='ScoreFusion', score_file=str(file), topk=2)
    model = build(head=dict(num_classes=1, test_cfg=dict(score_fusion=fusion)))
    results = model(
        features(60, 60), [sample('v'), sample('w')], mode='predict')
    model.head.score_fusion = None
    plain = model(features(60, 60), [sample('v'), sample('w')], mode='predict')
    for result, before, best in zip(results, plain, ((1, 0.5), (0, 0.9))):
        pred, alone = result.pred_instances, before.pred_instances
        assert len(pred) == 2 * len(alone)
        assert pred.labels[0] == best[0] and (pred.scores.diff() <= 0).all()
        assert pred.scores[0].item() == pytest.approx(
            (best[1] * alone.scores[0].item())**0.5)


def test_tensors():
    model = build()
    logits, distances, masks = model(features(41, 30))
    assert [x.shape for x in logits] == [(2, n, CLASSES)
                                         for n in (64, 32, 16, 8)]
    assert [x.shape for x in distances] == [(2, n, 2) for n in (64, 32, 16, 8)]
    assert [m.sum().item() for m in masks] == [71, 36, 19, 10]
    for x, mask in zip((*logits, *distances), masks * 2):
        assert (x[~mask[:, 0]] == 0).all()


def test_videos_without_actions_train():
    model = build().train()
    losses = model(features(40, 64), [sample('a'), sample('b')], mode='loss')
    assert losses['loss_reg'] == 0 and losses['loss_cls'] > 0
    model.parse_losses(losses)[0].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert model.head.loss_normalizer.item() == pytest.approx(90.1)


def test_any_length():
    """50 to 100,000 features in one batch."""
    model = build(dict(use_abs_pe=True))
    lengths = (50, 1000, 100000)
    model.head.test_cfg['pre_nms_topk'] = 20
    results = model(
        features(*lengths), [sample() for _ in lengths], mode='predict')
    for result in results:
        assert result.pred_instances.scores.isfinite().all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_is_finite(dtype):
    model = build(dict(window_size=[5, 5, 5, -1])).train()
    with torch.autocast('cpu', dtype=dtype):
        total, _ = model.parse_losses(model(*training_batch(), mode='loss'))
    total.backward()
    assert total.isfinite() and total.dtype == torch.float32
    assert all(p.grad.isfinite().all() for p in model.parameters())
    model.head.loss_normalizer.fill_(100)
    exact, _ = model.parse_losses(model(*training_batch(), mode='loss'))
    assert math.isclose(total.item(), exact.item(), rel_tol=0.02)


def test_features_in_half_precision():
    model = build()
    feats, = features(40)
    expected = model([feats.half().float()])[0][0]
    assert torch.equal(model([feats.half()])[0][0], expected)


@pytest.mark.parametrize('mode', ['loss', 'predict'])
@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_features_that_are_not_finite(mode, value):
    model = build()
    inputs, samples = training_batch()
    inputs[1][3, 17] = value
    with pytest.raises(
            DataError, match="'b' are NaN or infinite, first at feature 17"):
        model(inputs, samples, mode=mode)


def test_features_of_another_shape():
    model = build()
    wide = torch.randn(CHANNELS + 1, 30)
    with pytest.raises(DataError, match=r"'a' are of shape \(13, 30\)"):
        model([wide], [sample('a')], mode='loss')
    with pytest.raises(DataError, match=r"'a' are of shape \(12, 0\)"):
        model([wide[1:, :0]], [sample('a')], mode='predict')


def test_training_videos_are_not_cut_silently():
    model = build().train()
    with pytest.raises(
            DataError, match="'long' has 65 features but max_seq_len .* 64"):
        model(features(65), [sample('long')], mode='loss')


def test_wiring_is_checked():
    with pytest.raises(ValueError, match='neck have strides .* match'):
        MODELS.build(
            dict(
                type='ActionFormer',
                neck=neck_config(arch=(2, 2, 2)),
                head=head_config()))
    with pytest.raises(ValueError, match='strict_mask must be the same'):
        build(dict(strict_mask=True))
    model = build()
    with pytest.raises(ValueError, match="mode='loss' needs data_samples"):
        model(features(40), mode='loss')
    with pytest.raises(ValueError, match="mode='train' is none of"):
        model(features(40), [sample()], mode='train')


def test_is_built_without_memory():
    with torch.device('meta'):
        model = MODELS.build(
            dict(type='ActionFormer', neck=neck_config(), head=head_config()))
    assert all(p.is_meta for p in model.parameters())
    shapes = {k: v.shape for k, v in build().state_dict().items()}
    assert {k: v.shape for k, v in model.state_dict().items()} == shapes
