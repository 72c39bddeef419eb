# Copyright (c) mmevad authors. All rights reserved.
"""``roi_align_forward`` and ``roi_align_backward`` of ``mmcv._ext``.

Averaging over a bin is a weighted sum of rows of the channels-last map: a bag
of rows per bin. ``embedding_bag`` computes exactly that, without holding the
samples; its transpose, for the gradient, is one sparse matrix product.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

from . import torchvision_ops
from .bags import bags_of
from .bilinear import geometry
from .roi_max import max_backward, max_forward

MAX = 0  # mmcv's pool_mode; 1 is the average


def roi_align_forward(input: Tensor, rois: Tensor, output: Tensor,
                      argmax_y: Tensor, argmax_x: Tensor, *,
                      aligned_height: int, aligned_width: int,
                      spatial_scale: float, sampling_ratio: int,
                      pool_mode: int, aligned: bool) -> None:
    """Pool a map inside RoIs.

    Args:
        input: (B, C, H, W).
        rois: (N, 5), image, x1, y1, x2, y2 in pixels of the image.
        output: (N, C, h, w), filled in place.
        argmax_y, argmax_x: The same shape, filled in place if ``pool_mode``
            is 0: where in the map the largest sample was, or -1.
        aligned_height, aligned_width: h, w.
        spatial_scale: Map pixels per image pixel.
        sampling_ratio: Samples per bin and axis; 0: one per map pixel.
        pool_mode: 0 for the maximum, 1 for the average.
        aligned: Whether pixel centres are at .5.
    """
    if rois.size(0) == 0 or output.numel() == 0:
        return
    out_size = (aligned_height, aligned_width)
    if pool_mode != MAX and torchvision_ops.available():
        output.copy_(
            torchvision_ops.roi_align(input, rois, spatial_scale, *out_size,
                                      sampling_ratio, aligned))
        return
    geo = geometry(rois, spatial_scale, aligned)
    if pool_mode == MAX:
        max_forward(input, geo, output, argmax_y, argmax_x, sampling_ratio)
        return
    batch, channels, height, width = input.shape
    exact = torch.promote_types(input.dtype, torch.float32)
    flat = input.permute(0, 2, 3, 1).reshape(-1, channels).to(exact)
    for bags in bags_of(geo, (height, width), out_size, sampling_ratio):
        pooled = F.embedding_bag(
            bags.rows,
            flat,
            bags.starts(),
            mode='sum',
            per_sample_weights=bags.weights.to(exact))
        # (n * h * w, C) -> (n, C, h, w)
        output[bags.rois] = pooled.view(-1, *out_size,
                                        channels).permute(0, 3, 1,
                                                          2).to(output.dtype)


def roi_align_backward(grad_output: Tensor, rois: Tensor, argmax_y: Tensor,
                       argmax_x: Tensor, grad_input: Tensor, *,
                       aligned_height: int, aligned_width: int,
                       spatial_scale: float, sampling_ratio: int,
                       pool_mode: int, aligned: bool) -> None:
    """Add the gradient of the map to ``grad_input`` (B, C, H, W), in place.

    ``grad_output`` is (N, C, h, w); the others are as in the forward pass.
    """
    if rois.size(0) == 0 or grad_output.numel() == 0:
        return
    if pool_mode == MAX:
        max_backward(grad_output, rois[:, 0].long(), argmax_y, argmax_x,
                     grad_input)
        return
    if torchvision_ops.available():
        grad_input += torchvision_ops.roi_align_backward(
            grad_output, rois, spatial_scale, grad_input.shape, sampling_ratio,
            aligned)
        return
    geo = geometry(rois, spatial_scale, aligned)
    batch, channels, height, width = grad_input.shape
    exact = torch.promote_types(grad_input.dtype, torch.float32)
    for bags in bags_of(geo, (height, width), (aligned_height, aligned_width),
                        sampling_ratio):
        # (n, C, h, w) -> (n * h * w, C)
        grad = grad_output[bags.rois].permute(0, 2, 3,
                                              1).reshape(-1,
                                                         channels).to(exact)
        # the forward pass has checked the rows already
        spread = torch.sparse_coo_tensor(
            torch.stack([bags.rows, bags.owners()]),
            bags.weights.to(exact), (batch * height * width, len(grad)),
            check_invariants=False)
        grad_input += (spread @ grad).view(batch, height,
                                           width, channels).permute(
                                               0, 3, 1, 2).to(grad_input.dtype)
