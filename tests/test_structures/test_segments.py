# Copyright (c) mmevad authors. All rights reserved.
import pytest
import torch

from mmevad.structures import FeatureGrid, segment_iou


def test_segment_iou_of_known_pairs():
    first = torch.tensor([[0., 4.], [1., 1.]])
    second = torch.tensor([[2., 6.], [0., 4.], [5., 7.], [1., 1.]])
    expected = torch.tensor([[2 / 6, 1., 0., 0.], [0., 0., 0., 0.]])
    torch.testing.assert_close(segment_iou(first, second), expected)


def test_eps_lengthens_both_segments():
    segment = torch.tensor([[0., 1.]], dtype=torch.float64)
    iou = segment_iou(segment, segment, eps=.5)
    assert iou.item() == pytest.approx(1 / 2)


def test_grid_formula_and_back():
    grid = FeatureGrid(fps=30., feat_stride=4, num_frames=16)
    assert grid.offset == 2
    assert grid.to_seconds(0) == pytest.approx(8 / 30)
    seconds = torch.linspace(0, 20, 7)
    torch.testing.assert_close(grid.to_seconds(grid.to_grid(seconds)), seconds)


@pytest.mark.parametrize('name', ['fps', 'feat_stride', 'num_frames'])
def test_grid_needs_positive_numbers(name):
    values = dict(fps=30., feat_stride=4, num_frames=16)
    values[name] = 0
    with pytest.raises(ValueError, match=name):
        FeatureGrid(**values)
