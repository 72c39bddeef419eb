# Copyright (c) mmevad authors. All rights reserved.
"""The stand-in against numbers that compiled mmcv 2.1.0 gave."""
import importlib
import itertools
import os.path as osp

import numpy as np
import pytest
import torch

from mmevad.compat import mmcv_ops
from mmevad.compat.mmcv_ops import bilinear

# the package's name `nms` is the function
NMS_FILE = importlib.import_module('mmevad.compat.mmcv_ops.nms')
SCALE = 0.25
OUT_SIZE = (3, 2)
CASES = list(itertools.product((0, 2), (0, 1), (0, 1)))


@pytest.fixture(scope='module')
def reference():
    path = osp.join(
        osp.dirname(__file__), '..', 'data', 'compiled_ops', 'reference.npz')
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file}


def roi_align(features, rois, grad, ratio, mode, aligned, out_size=OUT_SIZE):
    """Forward and backward through the functions, as mmcv calls them."""
    output = features.new_zeros((len(rois), features.size(1), *out_size))
    argmax = [
        torch.zeros_like(output) if mode == 0 else features.new_zeros(0)
        for _ in range(2)
    ]
    grad_input = torch.zeros_like(features)
    arguments = dict(
        aligned_height=out_size[0],
        aligned_width=out_size[1],
        spatial_scale=SCALE,
        sampling_ratio=ratio,
        pool_mode=mode,
        aligned=bool(aligned))
    mmcv_ops.roi_align_forward(features, rois, output, *argmax, **arguments)
    mmcv_ops.roi_align_backward(grad, rois, *argmax, grad_input, **arguments)
    return output, grad_input


@pytest.mark.parametrize('ratio, mode, aligned', CASES)
def test_roi_align_equals_compiled(reference, ratio, mode, aligned):
    output, grad = roi_align(reference['features'], reference['rois'],
                             reference['grad'], ratio, mode, aligned)
    name = f'roi_{ratio}_{mode}_{aligned}'
    torch.testing.assert_close(output, reference[name], rtol=0, atol=1e-5)
    torch.testing.assert_close(
        grad, reference[f'{name}_grad'], rtol=0, atol=1e-5)


@pytest.mark.parametrize('ratio, mode, aligned', CASES)
def test_roi_align_in_small_groups(reference, monkeypatch, ratio, mode,
                                   aligned):
    monkeypatch.setattr(bilinear, 'BUDGET', 500)
    output, grad = roi_align(reference['features'], reference['rois'],
                             reference['grad'], ratio, mode, aligned)
    name = f'roi_{ratio}_{mode}_{aligned}'
    torch.testing.assert_close(output, reference[name], rtol=0, atol=1e-5)
    torch.testing.assert_close(
        grad, reference[f'{name}_grad'], rtol=0, atol=1e-5)


def test_roi_align_takes_any_memory_layout(reference):
    features, rois = reference['features'], reference['rois']
    strided = features.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    output, grad = roi_align(strided,
                             rois.t().contiguous().t(), reference['grad'], 2,
                             1, 1)
    torch.testing.assert_close(
        output, reference['roi_2_1_1'], rtol=0, atol=1e-5)
    torch.testing.assert_close(
        grad, reference['roi_2_1_1_grad'], rtol=0, atol=1e-5)


@pytest.mark.parametrize('ratio, mode', [(0, 1), (2, 1), (2, 0)])
def test_roi_align_gradient_is_the_derivative(reference, ratio, mode):
    features = reference['features'][:, :1].double()
    rois, grad = reference['rois'].double(), reference['grad'][:, :1].double()
    _, grad_input = roi_align(features, rois, grad, ratio, mode, 1)
    step = 1e-6
    for at in ((0, 0, 3, 4), (1, 0, 8, 10), (0, 0, 0, 0)):
        values = []
        for sign in (1, -1):
            moved = features.clone()
            moved[at] += sign * step
            output, _ = roi_align(moved, rois, grad, ratio, mode, 1)
            values.append((output * grad).sum())
        numeric = (values[0] - values[1]) / (2 * step)
        assert numeric.item() == pytest.approx(grad_input[at].item(), abs=1e-6)


def test_roi_align_of_a_constant_is_the_constant():
    features = torch.full((1, 2, 8, 8), 3.)
    rois = torch.tensor([[0, 4., 4., 20., 28.]])
    for ratio, mode in itertools.product((0, 1, 3), (0, 1)):
        output, _ = roi_align(features, rois, torch.zeros(1, 2, 3, 2), ratio,
                              mode, 1)
        assert torch.allclose(output, torch.full((1, 2, 3, 2), 3.))


def test_roi_align_without_rois():
    features = torch.randn(1, 2, 8, 8)
    output, grad = roi_align(features, torch.zeros(0, 5),
                             torch.zeros(0, 2, 3, 2), 0, 1, 1)
    assert output.shape == (0, 2, 3, 2)
    assert not grad.any()


def test_roi_align_in_half_precision(reference):
    output, grad = roi_align(reference['features'].bfloat16(),
                             reference['rois'], reference['grad'].bfloat16(),
                             2, 1, 1)
    assert output.dtype == grad.dtype == torch.bfloat16
    torch.testing.assert_close(
        output.float(), reference['roi_2_1_1'], rtol=0.02, atol=0.02)


def test_roi_align_refuses_boxes_that_end_before_they_start(reference):
    rois = torch.tensor([[0, 10., 10., 5., 20.]])
    with pytest.raises(RuntimeError, match='x2 < x1'):
        roi_align(reference['features'], rois, reference['grad'][:1], 2, 1, 1)


@pytest.mark.parametrize('offset', (0, 1))
def test_nms_equals_compiled(reference, offset, monkeypatch):
    boxes, scores = reference['boxes'], reference['scores']
    for block in (1024, 7):
        monkeypatch.setattr(NMS_FILE, 'BLOCK', block)
        kept = mmcv_ops.nms(boxes, scores, iou_threshold=0.4, offset=offset)
        assert torch.equal(kept, reference[f'nms_{offset}'])


def test_nms_of_nothing():
    kept = mmcv_ops.nms(
        torch.zeros(0, 4), torch.zeros(0), iou_threshold=0.5, offset=0)
    assert kept.shape == (0, ) and kept.dtype == torch.long


@pytest.mark.parametrize('method', (0, 1, 2))
@pytest.mark.parametrize('offset', (0, 1))
def test_soft_nms_equals_compiled(reference, method, offset):
    dets = torch.zeros(80, 5)
    kept = mmcv_ops.softnms(
        reference['boxes'],
        reference['scores'],
        dets,
        iou_threshold=0.3,
        sigma=0.5,
        min_score=0.05,
        method=method,
        offset=offset)
    name = f'soft_{method}_{offset}'
    assert torch.equal(kept, reference[name])
    torch.testing.assert_close(
        dets[:len(kept)],
        reference[f'{name}_dets'],
        rtol=0,
        atol=1e-5,
        equal_nan=True)


def test_focal_loss_equals_mmdet():
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss
    torch.manual_seed(0)
    logits = torch.randn(6, 4, dtype=torch.double) * 4
    target = torch.tensor([0, 3, 4, 4, 1, 2])  # 4 is background
    onehot = torch.nn.functional.one_hot(target, 5)[:, :4].double()
    arguments = dict(gamma=2.0, alpha=0.25)
    wanted_input = logits.clone().requires_grad_()
    wanted = py_sigmoid_focal_loss(
        wanted_input, onehot, reduction='none', **arguments)
    wanted.sum().backward()
    none = logits.new_zeros(0)
    output, grad = torch.zeros_like(logits), torch.zeros_like(logits)
    mmcv_ops.sigmoid_focal_loss_forward(logits, target, none, output,
                                        **arguments)
    mmcv_ops.sigmoid_focal_loss_backward(logits, target, none, grad,
                                         **arguments)
    torch.testing.assert_close(output, wanted.detach())
    torch.testing.assert_close(grad, wanted_input.grad)


def test_torchvision_is_used_where_it_computes_the_same(monkeypatch):
    from mmevad.compat.mmcv_ops import torchvision_ops
    asked = []
    monkeypatch.setattr(torchvision_ops, 'available', lambda: True)
    monkeypatch.setattr(torchvision_ops, 'nms',
                        lambda *args: asked.append(args) or torch.tensor([7]))
    boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 4]])
    scores = torch.tensor([0.5, 0.9])
    arguments = dict(iou_threshold=0.5)
    assert mmcv_ops.nms(boxes, scores, offset=0, **arguments).tolist() == [7]
    # torchvision knows no offset
    assert mmcv_ops.nms(boxes, scores, offset=1, **arguments).tolist() == [1]
    assert len(asked) == 1
