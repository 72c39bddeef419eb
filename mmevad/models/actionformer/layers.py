# Copyright (c) mmevad authors. All rights reserved.
"""Layers over features of shape (B, T, C): masked convolution, drop path."""
from typing import List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.drop import drop_path
from torch import Tensor, nn


def taps_inside(lengths: Sequence[int], kernel_size: int,
                like: Tensor) -> List[Tensor]:
    """Where a kernel's taps stay inside the sequence they belong to.

    Args:
        lengths (list[int]): Lengths of the sequences that lie one after the
            other.
        kernel_size (int): k, odd.
        like (Tensor): Gives dtype and device.

    Returns:
        list[Tensor]: For each of the k taps (sum of lengths, 1), 1 where the
        tap's input lies in the same sequence as the output, else 0.
    """
    place = torch.cat([torch.arange(n, device=like.device) for n in lengths])
    length = torch.cat(
        [torch.full((n, ), n, device=like.device) for n in lengths])
    reached = [place + tap - kernel_size // 2 for tap in range(kernel_size)]
    return [((at >= 0) & (at < length)).to(like.dtype)[:, None]
            for at in reached]


def convolve(x: Tensor,
             weight: Tensor,
             bias: Optional[Tensor] = None,
             inside: Optional[Sequence[Tensor]] = None) -> Tensor:
    """1-D convolution, stride 1, zero padding, as one matrix product.

    The products with all taps are made at once, then shifted and summed. On
    CPU this is up to 1.4 times as fast as ``conv1d`` and needs no layout but
    (B, T, C).

    Args:
        x (Tensor): (B, T, C).
        weight (Tensor): (O, C, k), k odd.
        bias (Tensor, optional): (O, ).
        inside (list[Tensor], optional): See :func:`taps_inside`, if T is
            made up of several sequences.

    Returns:
        Tensor: (B, T, O).
    """
    out_channels, _, size = weight.shape
    if size == 1:
        return F.linear(x, weight[..., 0], bias)
    taps = F.linear(x, weight.permute(2, 0, 1).flatten(0, 1))
    taps = taps.split(out_channels, -1)
    out = taps[size // 2]
    if bias is not None:
        out = out + bias
    for tap, product in enumerate(taps):
        shift = size // 2 - tap
        if shift == 0 or abs(shift) >= x.size(1):
            continue
        # F.pad with negative sizes cuts
        product = F.pad(product, (0, 0, shift, -shift))
        if inside is not None:
            out = torch.addcmul(out, product, inside[tap])
        else:
            out = out + product
    return out


class MaskedConv1d(nn.Conv1d):
    """Convolution over time whose output is zero at padded frames.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int): Odd; the sequence is padded with zeros.
        stride (int): Defaults to 1.
        groups (int): 1 or C. Defaults to 1.
        bias (bool): Defaults to True.

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

    def forward(self,
                x: Tensor,
                mask: Tensor,
                inside: Optional[Sequence[Tensor]] = None) -> Tensor:
        """Convolve.

        Args:
            x (Tensor): (B, T, C).
            mask (Tensor): (B, T', 1) bool, True where the output is valid.
            inside (list[Tensor], optional): As in :func:`convolve`; for
                stride 1 and one group.

        Returns:
            Tensor: (B, T', O), T' = ceil(T / stride).
        """
        if self.groups == 1 and self.stride[0] == 1:
            return convolve(x, self.weight, self.bias, inside) * mask
        # a 2-D convolution keeps (B, T, C) in memory, conv1d does not
        out = F.conv2d(
            x.transpose(1, 2)[:, :, None], self.weight[:, :, None], self.bias,
            (1, *self.stride), (0, *self.padding), 1, self.groups)
        return out.squeeze(2).transpose(1, 2) * mask


class ScaledDropPath(nn.Module):
    """Stochastic depth with a learned factor per channel.

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

    def forward(self, x: Tensor) -> Tensor:
        """Scale and drop: (B, T, C) -> (B, T, C)."""
        return self.scale * drop_path(x, self.drop_prob, self.training)


class ConvTower(nn.Module):
    """Convolutions with LN and ReLU, and one more at the end.

    Args:
        in_channels (int): D.
        feat_channels (int): Width between.
        out_channels (int): O.
        num_layers (int): Convolutions, the last one included.
        kernel_size (int): Odd.
        with_ln (bool): LN after all but the last.
        strict_mask (bool): Zero padded frames after LN too.
    """

    def __init__(self, in_channels: int, feat_channels: int,
                 out_channels: int, num_layers: int, kernel_size: int,
                 with_ln: bool, strict_mask: bool) -> None:
        super().__init__()
        self.strict_mask = strict_mask
        widths = [in_channels] + [feat_channels] * (num_layers - 1)
        self.convs = nn.ModuleList([
            MaskedConv1d(c, d, kernel_size, bias=not with_ln)
            for c, d in zip(widths[:-1], widths[1:])
        ])
        self.norms = nn.ModuleList([
            nn.LayerNorm(d) if with_ln else nn.Identity() for d in widths[1:]
        ])
        self.out = MaskedConv1d(widths[-1], out_channels, kernel_size)

    def forward(self, x: Tensor, mask: Tensor,
                inside: Sequence[Tensor]) -> Tensor:
        """All levels, one after the other: (B, P, D) -> (B, P, O)."""
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x, mask, inside)).relu()
            if self.strict_mask:
                x = x * mask
        return self.out(x, mask, inside)
