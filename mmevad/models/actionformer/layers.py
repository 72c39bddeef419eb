# Copyright (c) mmevad authors. All rights reserved.
"""Layers over features of shape (B, T, C)."""
from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.drop import drop_path
from mmcv.cnn.bricks.transformer import FFN
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmevad.utils.memory import LARGE_BLOCK
from mmevad.utils.plain_operators import wants_plain_operators
from ..activations import GELU


def to_autocast(x: Tensor) -> Tensor:
    """What autocast would make of an argument of a matrix product.

    Better done once, where several layers get the same tensor.
    """
    return x.to(F.linear(x.new_empty(0, 1), x.new_empty(1, 1)).dtype)


class _Convolve(torch.autograd.Function):
    """Convolution as one matrix product per tap, added up in place.

    Autograd would copy and fill several times as much memory for the slices.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Optional[Tensor],
                mask: Tensor) -> Tensor:
        """See :func:`convolve`."""
        ctx.save_for_backward(x, weight, mask)
        out = _sum_taps(x, weight.permute(2, 1, 0))
        if bias is not None:
            out += bias
        return out.mul_(mask)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        """Gradients of x, weight and bias."""
        x, weight, mask = ctx.saved_tensors
        taps = weight.permute(2, 0, 1)
        grad = grad * mask
        for_x, for_weight, for_bias, _ = ctx.needs_input_grad
        grad_x = grad_weight = grad_bias = None
        if for_x:
            # the same with the taps in reverse order
            grad_x = _sum_taps(grad, taps.unbind()[::-1])
        if for_weight:
            products = torch.empty_like(taps)
            for product, (source, target) in zip(products, _shifts(len(taps))):
                torch.mm(grad[0, target].t(), x[0, source], out=product)
                for rows, read in zip(grad[1:, target], x[1:, source]):
                    product.addmm_(rows.t(), read)
            grad_weight = products.permute(1, 2, 0)
        if for_bias:
            grad_bias = grad.sum((0, 1))
        return grad_x, grad_weight, grad_bias, None


def _shifts(size: int) -> List[Tuple[slice, slice]]:
    """For each tap the frames that it reads and those it adds to."""
    shifts = []
    for offset in range(-(size // 2), size // 2 + 1):
        ahead, behind = max(offset, 0), max(-offset, 0)
        shifts.append((slice(ahead, -behind
                             or None), slice(behind, -ahead or None)))
    return shifts


def _sum_taps(x: Tensor, taps: Sequence[Tensor]) -> Tensor:
    """(B, T, C) and k matrices (C, O) -> (B, T, O)."""
    middle = len(taps) // 2
    out = x @ taps[middle]
    for i, (source, target) in enumerate(_shifts(len(taps))):
        if i == middle:
            continue
        if x.is_cuda:
            out[:, target].baddbmm_(x[:, source],
                                    taps[i].expand(len(x), -1, -1))
        else:  # there a product of batches copies its matrices first
            for rows, read in zip(out[:, target], x[:, source]):
                rows.addmm_(read, taps[i])
    return out


def convolve(x: Tensor, weight: Tensor, bias: Optional[Tensor],
             mask: Tensor) -> Tensor:
    """1-D convolution, stride 1, zero padding, as matrix products.

    On CPU up to 1.4 times as fast as ``conv1d`` in float32, and it needs no
    layout but (B, T, C).

    Args:
        x (Tensor): (B, T, C).
        weight (Tensor): (O, C, k), k odd; fastest where ``permute(2, 0, 1)``
            is contiguous.
        bias (Tensor, optional): (O, ).
        mask (Tensor): (B, T, 1) bool, True where the output is valid.

    Returns:
        Tensor: (B, T, O), zero where it is not valid.
    """
    if wants_plain_operators():
        out = F.conv1d(x.mT, weight, bias, padding=weight.size(2) // 2)
        return out.mT * mask
    # autocast does not see the products inside
    x, weight = to_autocast(x), to_autocast(weight)
    if bias is not None:
        bias = to_autocast(bias)
    return _Convolve.apply(x, weight, bias, mask)


def every(mask: Tensor, stride: int) -> Tensor:
    """Every so many entries of a mask (B, T, 1)."""
    if wants_plain_operators():
        # exporters know that this is as long as what convolutions leave
        rows = mask.mT.float()[:, :, None]
        return F.max_pool2d(rows, 1, (1, stride)).squeeze(2).mT > 0
    return mask[:, ::stride]


class _GELULinear(torch.autograd.Function):
    """A linear layer after GELU, which keeps the input of GELU only."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """(..., C), (O, C) and (O, ) -> (..., O)."""
        ctx.save_for_backward(x, weight)
        return F.linear(F.gelu(x), weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> Tuple[Tensor, ...]:
        """Gradients of x, weight and bias."""
        x, weight = ctx.saved_tensors
        rows = grad.flatten(0, -2)
        grad_x = torch.ops.aten.gelu_backward(grad @ weight, x)
        grad_weight = rows.t() @ F.gelu(x).flatten(0, -2)
        return grad_x, grad_weight, rows.sum(0)


class MLP(FFN):
    """Two linear layers with GELU between.

    Args:
        embed_dims (int): D.
        dropout (float): After both layers. Defaults to 0.
        recompute (bool): Whether the backward pass computes GELU again, if
            there is no dropout. Defaults to True.
    """

    def __init__(self,
                 embed_dims: int,
                 dropout: float = 0.,
                 recompute: bool = True) -> None:
        super().__init__(
            embed_dims=embed_dims,
            feedforward_channels=4 * embed_dims,
            act_cfg=dict(type=GELU),
            ffn_drop=dropout,
            add_identity=False)
        self.recompute = recompute and not dropout

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        if not torch.is_grad_enabled():
            return self._infer(x)
        if not self.recompute:
            return super().forward(x)
        first, second = self.layers[0][0], self.layers[1]
        return _GELULinear.apply(
            first(x), to_autocast(second.weight), to_autocast(second.bias))

    def _infer(self, x: Tensor) -> Tensor:
        """As the base class, on a CPU some frames at a time."""
        # exporters must not see sizes that decide
        if x.device.type != 'cpu' or wants_plain_operators():
            return super().forward(x)
        size = 4 * x.element_size() * x.numel()
        if size <= LARGE_BLOCK:
            return super().forward(x)
        pieces = x.flatten(0, -2).chunk(-(-size // LARGE_BLOCK))
        out = torch.cat([super(MLP, self).forward(rows) for rows in pieces])
        return out.view(x.shape)


class MaskedConv1d(nn.Conv1d):
    """Convolution over time whose output is zero at padded frames.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int): Odd; the sequence is padded with zeros.
        stride (int): Defaults to 1.
        groups (int): 1 or C. Defaults to 1.
        bias (bool): Starts from 0. Defaults to True.

    Raises:
        ValueError: If the kernel is even.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 kernel_size: int,
                 stride: int = 1,
                 groups: int = 1,
                 bias: bool = True) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size={kernel_size} must be odd, so that '
                             'a window has a middle')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=bias)
        if bias:
            nn.init.zeros_(self.bias)
        if groups == 1:
            # each tap a matrix of its own in memory; only the strides differ
            taps = self.weight.detach().permute(2, 0, 1).contiguous()
            self.weight = nn.Parameter(taps.permute(1, 2, 0))

    def forward(self, x: Tensor, mask: Optional[Tensor]) -> Tensor:
        """Convolve.

        Args:
            x (Tensor): (B, T, C).
            mask (Tensor, optional): (B, T', 1) bool, True where the output is
                valid. None leaves what padding gives, if stride or groups
                are not 1.

        Returns:
            Tensor: (B, T', O), T' = ceil(T / stride).
        """
        if self.groups == 1 and self.stride[0] == 1:
            return convolve(x, self.weight, self.bias, mask)
        # a 2-D convolution keeps (B, T, C) in memory, conv1d does not
        out = F.conv2d(
            x.transpose(1, 2)[:, :, None], self.weight[:, :, None], self.bias,
            (1, *self.stride), (0, *self.padding), 1, self.groups)
        out = out.squeeze(2).transpose(1, 2)
        return out if mask is None else out * mask


class ScaledResidual(nn.Module):
    """Adds a branch, with a learned factor per channel and stochastic depth.

    Args:
        channels (int): C.
        drop_prob (float): Probability to drop the branch of a sample.
        init_value (float): Initial factor. Defaults to 1e-4.
    """

    def __init__(self,
                 channels: int,
                 drop_prob: float,
                 init_value: float = 1e-4) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels, ), init_value))
        self.drop_prob = drop_prob

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """(B, T, C) and (B, T, C) -> (B, T, C)."""
        kept = drop_path(
            x.new_ones((len(x), 1, 1)), self.drop_prob, self.training)
        return torch.addcmul(x, branch, kept * self.scale)
