"""Transforms of boxes."""
import numpy as np
import pytest

from mmevad.datasets import ClipBoxes


def test_clip_boxes():
    boxes = np.array([[-3., 4., 200., 90.], [5., 6., 7., 95.5]])
    out = ClipBoxes()(dict(gt_bboxes=boxes, img_shape=(96, 128)))
    assert out['gt_bboxes'].tolist() == [[0, 4, 127, 90], [5, 6, 7, 95]]


def test_clip_boxes_needs_boxes():
    with pytest.raises(KeyError, match='gt_bboxes'):
        ClipBoxes()(dict(img_shape=(96, 128)))
