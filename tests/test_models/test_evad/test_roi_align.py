"""RoIAlign as bags of rows, and RoIs of the pyramid."""
import os.path as osp

import numpy as np
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmcv.ops import roi_align as mmcv_roi_align

from mmevad.models.evad import roi_align
from mmevad.models.evad.roi_align import SliceRoIAlign, bags_of, sum_bags
from mmevad.models.evad.roi_extractor import KeyframeRoIExtractor


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def boxes_of(batch, num, spread=200., seed=0):
    """Boxes (batch, num, 4), some of which end outside of 160 pixels."""
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(batch, num, 2, generator=rng) * spread - 40
    side = torch.rand(batch, num, 2, generator=rng) * spread * 0.6
    return torch.cat((corner, corner + side), -1)


def rois_of(boxes):
    index = torch.arange(len(boxes)).repeat_interleave(boxes.size(1))
    return torch.cat((index[:, None], boxes.flatten(0, 1)), 1)


def by_mmcv(maps, boxes, size, scale):
    """(B, h, w, C), (B, n, 4) -> (B, n, size * size, C)."""
    pooled = mmcv_roi_align(
        maps.permute(0, 3, 1, 2).contiguous(), rois_of(boxes), (size, size),
        scale, 2, 'avg', True)
    return pooled.flatten(2).mT.unflatten(0, boxes.shape[:2])


def test_equals_compiled_mmcv():
    path = osp.join(
        osp.dirname(__file__), '..', '..', 'data', 'compiled_ops',
        'reference.npz')
    with np.load(path) as file:
        maps, rois, grad, expected, expected_grad = (
            torch.from_numpy(file[name])
            for name in ('features', 'rois', 'grad', 'roi_2_1_1',
                         'roi_2_1_1_grad'))
    maps = maps.permute(0, 2, 3, 1).contiguous().requires_grad_()
    size = tuple(maps.shape[1:3])
    boxes = rois[None, :, 1:]
    bags = bags_of(boxes, 0.25, (3, 2), 2, size)
    first = rois[:, 0].long()[:, None, None] * (size[0] * size[1])
    bins = sum_bags(maps.flatten(0, 2), bags._replace(rows=bags.rows + first))
    bins = bins[0].unflatten(1, (3, 2))
    bins = bins.permute(0, 3, 1, 2)
    torch.testing.assert_close(bins, expected, rtol=0, atol=1e-5)
    got = torch.autograd.grad((bins * grad).sum(), maps)[0]
    torch.testing.assert_close(
        got.permute(0, 3, 1, 2), expected_grad, rtol=0, atol=1e-5)


@pytest.mark.parametrize('budget', [1, 3000, 1 << 20])
@pytest.mark.parametrize('size,scale', [(7, 1 / 16), (3, 1 / 4)])
def test_slices_equal_mmcv(monkeypatch, budget, size, scale):
    """Values and gradients, in groups of RoIs and all at once."""
    monkeypatch.setattr(roi_align, 'CPU_BUDGET', budget)
    maps = torch.randn(3, 2, 10, 9, 4).requires_grad_()
    boxes = boxes_of(3, 11)
    layer = SliceRoIAlign(size, scale)
    got = layer(maps, boxes)
    assert got.shape == (3, 2, 11, 4)
    expected = torch.stack(
        [by_mmcv(maps[:, t], boxes, size, scale).amax(2) for t in (0, 1)], 1)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(layer(maps, boxes), got)
    weight = torch.randn_like(got)
    torch.testing.assert_close(
        *(torch.autograd.grad((x * weight).sum(), maps)[0]
          for x in (got, expected)),
        rtol=0,
        atol=1e-4)


def test_own_size_is_the_map_cut_off():
    """What lies outside of a clip's own map does not count."""
    maps, boxes = torch.randn(2, 3, 10, 9, 4), boxes_of(2, 11)
    layer = SliceRoIAlign(7, 1 / 16)
    got = layer(maps, boxes, torch.tensor([[10, 9], [6, 4]]))
    assert torch.allclose(got[0], layer(maps, boxes)[0])
    cut = layer(maps[1:, :, :6, :4].contiguous(), boxes[1:])
    assert torch.allclose(got[1], cut[0], atol=1e-6)


@pytest.mark.parametrize('own_grids', [None, [(14, 20), (8, 6)]])
def test_pyramid_equals_mmcv(own_grids):
    """Every box from its level, its clip cut off or not."""
    extractor = KeyframeRoIExtractor()
    maps = [
        torch.randn(2, 224 // s, 320 // s, 3).requires_grad_()
        for s in extractor.featmap_strides
    ]
    boxes = boxes_of(2, 40, 400.) * torch.linspace(0.1, 4, 40)[:, None]
    level = extractor.map_roi_levels(boxes)
    assert set(level.flatten().tolist()) == {0, 1, 2, 3}
    got = extractor.pool(maps, boxes, own_grids and torch.tensor(own_grids))
    assert got.shape == (80, 3, 7, 7)
    assert got.flatten(2).mT.is_contiguous()
    expected = torch.zeros(2, 40, 49, 3)
    for i, (x, stride) in enumerate(zip(maps, extractor.featmap_strides)):
        for clip in (0, 1):
            own = x[clip:clip + 1]
            if own_grids:
                rows, cols = (side * 16 // stride for side in own_grids[clip])
                own = own[:, :rows, :cols]
            pooled = by_mmcv(own, boxes[clip:clip + 1], 7, 1 / stride)[0]
            here = level[clip] == i
            expected[clip, here] = pooled[here]
    expected = expected.flatten(0, 1).mT.unflatten(2, (7, 7))
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-5)
    weight = torch.randn_like(got)
    for one, other in zip(*(torch.autograd.grad((x * weight).sum(), maps)
                            for x in (got, expected))):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_in_half_precision(dtype):
    """Boxes stay exact: at 300 pixels bfloat16 would be off by one."""
    maps, boxes = torch.randn(1, 1, 20, 20, 8), boxes_of(1, 9) + 100
    layer = SliceRoIAlign(7, 1 / 16)
    got = layer(maps.to(dtype), boxes)
    assert got.dtype == dtype
    assert (got.float() - layer(maps, boxes)).abs().max() < 0.03


def test_without_boxes():
    maps, boxes = torch.randn(2, 3, 4, 5, 6), torch.zeros(2, 0, 4)
    assert SliceRoIAlign(7, 1 / 16)(maps, boxes).shape == (2, 3, 0, 6)


def test_every_level_belongs_to_the_graph():
    extractor = KeyframeRoIExtractor()
    maps = [
        torch.randn(1, 64 // s, 64 // s, 3).requires_grad_()
        for s in extractor.featmap_strides
    ]
    boxes = torch.tensor([[[0., 0, 20, 20]]])
    grads = torch.autograd.grad(extractor.pool(maps, boxes).sum(), maps)
    assert grads[0].abs().sum() > 0
    assert not any(g.any() for g in grads[1:])


@pytest.mark.parametrize('side,level', [(10, 0), (111, 0), (113, 1), (223, 1),
                                        (225, 2), (449, 3), (2000, 3)])
def test_levels(side, level):
    box = torch.tensor([5., 5, 5 + side, 5 + side])
    assert KeyframeRoIExtractor().map_roi_levels(box) == level
