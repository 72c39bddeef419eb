# Copyright (c) mmevad authors. All rights reserved.
"""RoIAlign that keeps the largest sample of a bin instead of the average.

Rarely used, so it simply gathers the samples, a group of RoIs at a time.
"""
import torch
from torch import Tensor

from .bilinear import Geometry, chunks, grid, neighbours, positions

NO_SAMPLE = -10000.  # what the compiled functions return for an empty bin


def max_forward(input: Tensor, geo: Geometry, output: Tensor, argmax_y: Tensor,
                argmax_x: Tensor, sampling_ratio: int) -> None:
    """Fill ``output`` and the coordinates of its samples, (N, C, h, w)."""
    batch, channels, height, width = input.shape
    bins_y, bins_x = output.shape[2:]
    flat = input.permute(0, 2, 3, 1).reshape(-1, channels)
    grid_y = grid(geo.height, bins_y, sampling_ratio)
    grid_x = grid(geo.width, bins_x, sampling_ratio)
    # every entry now carries all channels, and so must the budget
    for at, max_y, max_x in chunks(grid_y, grid_x, bins_y * bins_x * channels,
                                   sampling_ratio):
        y, real_y = positions(geo.top[at], geo.height[at], bins_y, grid_y[at],
                              max_y)
        x, real_x = positions(geo.left[at], geo.width[at], bins_x, grid_x[at],
                              max_x)
        # (N, bins_y, bins_x, samples_y, samples_x)
        shape = (y.size(0), bins_y, bins_x, max_y, max_x)
        y, real_y = (
            part[:, :, None, :, None].expand(shape) for part in (y, real_y))
        x, real_x = (
            part[:, None, :, None, :].expand(shape) for part in (x, real_x))
        first = geo.image[at][:, None, None, None, None] * (height * width)
        pixel_y, weight_y = neighbours(y, height)
        pixel_x, weight_x = neighbours(x, width)
        value = 0.
        for i in (0, 1):
            for j in (0, 1):
                row = first + pixel_y[i] * width + pixel_x[j]
                weight = (weight_y[i] * weight_x[j])[..., None]
                value = value + flat[row] * weight.to(flat.dtype)
        real = (real_y & real_x)[..., None]
        value = value.masked_fill(~real, NO_SAMPLE).flatten(3, 4)
        # (N, bins_y, bins_x, C)
        best, index = value.max(3)
        empty = ~real.flatten(3, 4).any(3).expand_as(best)
        for coord, argmax in ((y, argmax_y), (x, argmax_x)):
            where = coord.flatten(3).gather(3, index.flatten(3))
            where = where.view_as(best).masked_fill(empty, -1)
            argmax[at] = where.permute(0, 3, 1, 2).to(argmax.dtype)
        output[at] = best.permute(0, 3, 1, 2).to(output.dtype)


def max_backward(grad_output: Tensor, image: Tensor, argmax_y: Tensor,
                 argmax_x: Tensor, grad_input: Tensor) -> None:
    """Send each bin's gradient to the neighbours of its largest sample."""
    batch, channels, height, width = grad_input.shape
    channel = torch.arange(channels, device=image.device)
    # (N, C, 1, 1): first element of the plane that a value belongs to
    plane = (image[:, None] * channels + channel) * (height * width)
    plane = plane[:, :, None, None]
    pixel_y, weight_y = neighbours(argmax_y, height)
    pixel_x, weight_x = neighbours(argmax_x, width)
    grad_output = grad_output * (argmax_y != -1)
    total = grad_input.new_zeros(grad_input.numel())
    for i in (0, 1):
        for j in (0, 1):
            element = plane + pixel_y[i] * width + pixel_x[j]
            part = grad_output * (weight_y[i] * weight_x[j])
            total.index_add_(0, element.flatten(), part.flatten())
    grad_input += total.view_as(grad_input)
