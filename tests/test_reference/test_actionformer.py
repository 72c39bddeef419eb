"""The plain ActionFormer gives the numbers of ours."""
import numpy as np
import pytest
import torch

from tests.reference import PlainActionFormer
from tests.reference.actionformer_decode import postprocess
from tests.reference.compiled_nms import compiled_soft
from tests.reference.sliding_window import sliding_attention
from tests.reference.soft_nms import nms
from tests.test_models.test_actionformer.plain_nms import random_case
from tests.test_models.test_actionformer.small import build, features, sample


@pytest.mark.parametrize('length', [17, 64, 65, 200])
@torch.no_grad()
def test_forward(length):
    model = build(neck=dict(drop_path_rate=0.1))
    inputs = features(length)
    ours = model(inputs)
    plain = PlainActionFormer(model)(inputs)
    for part, expected in zip(ours, plain):
        assert [x.shape for x in part] == [x.shape for x in expected]
        for x, y in zip(part, expected):
            torch.testing.assert_close(
                x.float(), y.float(), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_global_level():
    model = build(neck=dict(window_size=[5, 5, 5, -1]))
    inputs = features(90)
    for part, expected in zip(model(inputs), PlainActionFormer(model)(inputs)):
        torch.testing.assert_close(part[3], expected[3], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('smoothing', [0., 0.1])
def test_loss_and_gradients(smoothing):
    model = build(head=dict(label_smoothing=smoothing)).train()
    inputs = features(60, 41)
    samples = [
        sample('a', [[3., 9.], [3., 9.], [20., 50.]], [0, 2, 1]),
        sample('b', [[-1., 30.]], [1])
    ]
    truths = [s.gt_instances for s in samples]

    def gradients(losses):
        model.zero_grad()
        sum(losses.values()).backward()
        return {n: p.grad.clone() for n, p in model.named_parameters()}

    start = model.head.loss_normalizer.clone()
    ours = model(inputs, samples, mode='loss')
    moved = model.head.loss_normalizer.clone()
    model.head.loss_normalizer.copy_(start)
    plain = PlainActionFormer(model).loss(inputs, [t.segments for t in truths],
                                          [t.labels for t in truths])
    assert moved != start
    assert model.head.loss_normalizer.item() == pytest.approx(moved.item())
    for name, value in plain.items():
        assert value > 0
        assert ours[name].item() == pytest.approx(value.item(), rel=1e-4)
    ours, plain = gradients(ours), gradients(plain)
    for name, grad in plain.items():
        torch.testing.assert_close(
            ours[name], grad, rtol=1e-3, atol=1e-5, msg=name)


@torch.no_grad()
def test_postprocess():
    model = build()
    inputs, video = features(50), sample()
    reference = PlainActionFormer(model)
    outputs = reference(inputs)
    plain = postprocess(model.head, outputs, reference.points(outputs[0]),
                        [video])[0]
    ours = model(inputs, [video], mode='predict')[0].pred_instances
    assert len(plain[1]) > 5
    for name, expected in zip(('segments', 'scores', 'labels'), plain):
        torch.testing.assert_close(
            ours[name], expected, rtol=1e-4, atol=1e-3, msg=name)


def test_sliding_attention():
    """By definition: one query at a time."""
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 24, 4, dtype=torch.float64)
    mask = torch.ones(2, 1, 24, dtype=torch.bool)
    mask[1, :, 15:] = False
    out = sliding_attention(q, k, v, mask, 5)
    assert not out[1, :, 15:].any()
    for row, last in ((0, 24), (1, 15)):
        for t in range(last):
            keys = slice(max(t - 2, 0), min(t + 3, last))
            weights = (q[row, :, t:t + 1] @ k[row, :, keys].transpose(
                1, 2)).softmax(-1)
            torch.testing.assert_close(out[row, :, t],
                                       (weights @ v[row, :, keys])[:, 0])


@pytest.mark.skipif(compiled_soft() is None, reason='no C++ compiler')
@pytest.mark.parametrize('method', ['soft', 'linear'])
def test_compiled_nms(method):
    for seed in range(40):
        (segments, scores, labels), settings = random_case(seed)
        settings.update(method=method, multiclass=seed % 2 == 0)
        expected = nms(segments, scores, labels, **settings)
        found = nms(
            segments, scores, labels, select=compiled_soft(), **settings)
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a, b)


def test_refuses_other_models():
    with pytest.raises(ValueError, match='identity'):
        PlainActionFormer(build(neck=dict(use_abs_pe=True)))
