# Copyright (c) mmevad authors. All rights reserved.
"""Writes reference.npz; needs compiled mmcv (it was made with mmcv 2.1.0).

    python tests/data/compiled_ops/make_reference.py
"""
import itertools
import os.path as osp

import numpy as np
import torch
from mmcv import _ext

SCALE = 0.25
OUT_SIZE = (3, 2)
HEIGHT, WIDTH = 9, 11


def roi_inputs():
    """A map (2, 3, H, W) and RoIs: ordinary, empty, and off the map."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, HEIGHT, WIDTH, generator=generator)
    size = torch.tensor([WIDTH, HEIGHT]) / SCALE
    centre = torch.rand(16, 2, generator=generator) * size * 1.2 - 0.1 * size
    half = torch.rand(16, 2, generator=generator) * size / 2
    half[0] = 0
    half[1, 0] = 0
    half[2, 1] = 0
    image = torch.randint(0, 2, (16, 1), generator=generator).float()
    rois = torch.cat([image, centre - half, centre + half], 1)
    rois = torch.cat([
        rois,
        torch.tensor([[0, -900., -900., -800., -800.],
                      [1, 900., 900., 950., 990.], [0, -50., -50., 94., 86.],
                      [1, 0., 0., 44., 36.]])
    ])
    grad = torch.randn(len(rois), 3, *OUT_SIZE, generator=generator)
    return features, rois, grad


def boxes_and_scores():
    """80 boxes with equal scores, equal boxes and empty ones among them."""
    generator = torch.Generator().manual_seed(1)
    corner = torch.rand(80, 2, generator=generator) * 40
    size = torch.rand(80, 2, generator=generator) * 20
    size[:4] = 0
    boxes = torch.cat([corner, corner + size], 1)
    boxes[40:44] = boxes[44:48]
    scores = torch.rand(80, generator=generator)
    scores[::4] = (scores[::4] * 5).round() / 5
    return boxes, scores


def main() -> None:
    features, rois, grad = roi_inputs()
    found = dict(features=features, rois=rois, grad=grad)
    for ratio, mode, aligned in itertools.product((0, 2), (0, 1), (0, 1)):
        output = torch.zeros_like(grad)
        argmax = [
            torch.zeros_like(grad) if mode == 0 else torch.zeros(0)
            for _ in range(2)
        ]
        grad_input = torch.zeros_like(features)
        arguments = dict(
            aligned_height=OUT_SIZE[0],
            aligned_width=OUT_SIZE[1],
            spatial_scale=SCALE,
            sampling_ratio=ratio,
            pool_mode=mode,
            aligned=bool(aligned))
        _ext.roi_align_forward(features, rois, output, *argmax, **arguments)
        _ext.roi_align_backward(grad, rois, *argmax, grad_input, **arguments)
        found[f'roi_{ratio}_{mode}_{aligned}'] = output
        found[f'roi_{ratio}_{mode}_{aligned}_grad'] = grad_input
    boxes, scores = boxes_and_scores()
    found.update(boxes=boxes, scores=scores)
    for offset in (0, 1):
        found[f'nms_{offset}'] = _ext.nms(
            boxes, scores, iou_threshold=0.4, offset=offset)
        for method in (0, 1, 2):
            dets = torch.zeros(80, 5)
            kept = _ext.softnms(
                boxes,
                scores,
                dets,
                iou_threshold=0.3,
                sigma=0.5,
                min_score=0.05,
                method=method,
                offset=offset)
            found[f'soft_{method}_{offset}'] = kept
            found[f'soft_{method}_{offset}_dets'] = dets[:len(kept)]
    path = osp.join(osp.dirname(osp.abspath(__file__)), 'reference.npz')
    np.savez_compressed(path, **{k: v.numpy() for k, v in found.items()})


if __name__ == '__main__':
    main()
