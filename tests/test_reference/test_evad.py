"""The plain EVAD gives the numbers of ours."""
import pytest
import torch

from tests.reference import PlainEVAD
from tests.reference.evad_backbone import attention
from tests.reference.roi_align import plain_roi_align
from tests.test_models.test_evad.small import (CLASSES, build_detector,
                                               raw_batch)

import mmevad  # noqa: F401  isort: skip
from mmcv.ops import roi_align


def prepared(model, **kwargs):
    data = model.data_preprocessor(raw_batch(**kwargs))
    shapes = [sample.img_shape for sample in data['data_samples']]
    return data['inputs'], data['data_samples'], shapes


@pytest.mark.parametrize('backbone, decoder', [
    (dict(keep_rate=0.7), dict()),
    (dict(keep_rate=1.), dict()),
    (dict(keyframe_weight=4., keyframe_index=1), dict(fill='zero')),
    (dict(keep_rate=0.6), dict(token_order='importance')),
])
@torch.no_grad()
def test_forward(backbone, decoder):
    model = build_detector(backbone=backbone, decoder=decoder)
    clips, samples, shapes = prepared(model)
    expected = PlainEVAD(model)(clips, shapes)
    for ours, plain in zip(model(clips, samples), expected):
        assert ours.abs().max() > 0.1
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_same_tokens():
    model = build_detector()
    clips = prepared(model)[0]
    ours = model.backbone(clips)
    plain = PlainEVAD(model).backbone(clips)
    assert torch.equal(ours.ids[:, ours.num_protected:], plain.ids)
    assert ours.grid == plain.grid


@pytest.mark.parametrize('with_cp', [False, True])
def test_loss_and_gradients(with_cp):
    model = build_detector(
        backbone=dict(with_cp=with_cp), decoder=dict(with_cp=with_cp))
    clips, samples, shapes = prepared(model)
    truths = [sample.gt_instances for sample in samples]

    def gradients(losses):
        model.zero_grad(set_to_none=False)  # a level may have no box
        sum(losses.values()).backward()
        return {n: p.grad.clone() for n, p in model.named_parameters()}

    sum(p.sum() for p in model.parameters()).backward()  # .grad exists
    ours = model(clips, samples, mode='loss')
    plain = PlainEVAD(model).loss(clips, [gt.bboxes for gt in truths],
                                  [gt.labels[:, -CLASSES:] for gt in truths],
                                  shapes)
    assert set(plain) == set(ours)
    for name, value in plain.items():
        assert ours[name].item() == pytest.approx(value.item(), rel=1e-4)
    ours, plain = gradients(ours), gradients(plain)
    for name, grad in plain.items():
        torch.testing.assert_close(
            ours[name], grad, rtol=1e-3, atol=1e-4, msg=name)


def test_map_sums_to_one():
    block = build_detector().backbone.blocks[0]
    weights = attention(block.attn, torch.randn(2, 10, 24))[1]
    assert weights.shape == (2, 2, 10, 10)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 10))


def test_roi_align():
    rng = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 6, 9, generator=rng)
    corners = torch.rand(20, 2, generator=rng) * 160 - 40
    sizes = torch.rand(20, 2, generator=rng) * 120  # some end outside
    image = torch.randint(2, (20, 1), generator=rng)
    rois = torch.cat((image, corners, corners + sizes), 1)
    torch.testing.assert_close(
        plain_roi_align(maps, rois, 7, 1 / 16),
        roi_align(maps, rois, (7, 7), 1 / 16, 2, 'avg', True),
        rtol=1e-4,
        atol=1e-5)


def test_refuses_other_models():
    model = build_detector(backbone=dict(selector='unified'))
    with pytest.raises(ValueError, match='gap'):
        PlainEVAD(model)
