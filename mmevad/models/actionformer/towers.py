# Copyright (c) mmevad authors. All rights reserved.
"""The convolutions of the head, over all levels in one call."""
import math
from typing import List, Sequence

import torch
from torch import Tensor, nn

from .layers import MaskedConv1d, to_autocast

# probability that classes without training samples start from
EMPTY_PROB = 1e-6


class ConvTower(nn.Module):
    """Convolutions with LN and ReLU, and one more at the end.

    Args:
        in_channels (int): D.
        feat_channels (int): Width between.
        out_channels (int): O.
        num_layers (int): Convolutions, the last one included.
        kernel_size (int): Odd.
        with_ln (bool): LN after all but the last.
    """

    def __init__(self, in_channels: int, feat_channels: int, out_channels: int,
                 num_layers: int, kernel_size: int, with_ln: bool) -> None:
        super().__init__()
        widths = [in_channels] + [feat_channels] * (num_layers - 1)
        self.convs = nn.ModuleList([
            MaskedConv1d(c, d, kernel_size, bias=not with_ln)
            for c, d in zip(widths[:-1], widths[1:])
        ])
        self.norms = nn.ModuleList([
            nn.LayerNorm(d) if with_ln else nn.Identity() for d in widths[1:]
        ])
        self.out = MaskedConv1d(widths[-1], out_channels, kernel_size)

    def forward(self, x: Tensor, mask: Tensor, keep: Tensor) -> Tensor:
        """Convolve.

        Args:
            x (Tensor): (B, T, D).
            mask (Tensor): (B, T, 1) bool, True where the output is valid.
            keep (Tensor): (1 or B, T, 1) bool, frames that the next
                convolution may see.

        Returns:
            Tensor: (B, T, O).
        """
        for conv, norm in zip(self.convs, self.norms):
            # in place: neither LN nor a convolution looks at its result again
            x = norm(conv(x, mask)).mul_(keep).relu_()
        return self.out(x, mask)


def set_prior(conv: nn.Conv1d, prior_prob: float,
              empty_classes: Sequence[int]) -> None:
    """Let classes start from a probability.

    Args:
        conv (nn.Conv1d): Gives the logits; its bias is set.
        prior_prob (float): Of all classes.
        empty_classes (list[int]): Classes without training samples, which
            start from 1e-6.

    Raises:
        ValueError: If ``prior_prob`` is not between 0 and 1, or a class does
            not exist.
    """
    last = conv.out_channels - 1
    if not 0 < prior_prob < 1:
        raise ValueError(f'prior_prob={prior_prob} must be between 0 and 1')
    if not all(0 <= c <= last for c in empty_classes):
        raise ValueError(f'empty_classes={list(empty_classes)} must be from 0 '
                         f'to num_classes - 1 = {last}')
    nn.init.constant_(conv.bias, -math.log((1 - prior_prob) / prior_prob))
    with torch.no_grad():
        conv.bias[list(empty_classes)] = -math.log(
            (1 - EMPTY_PROB) / EMPTY_PROB)


def run_towers(towers: Sequence[ConvTower], levels: Sequence[Tensor],
               masks: Sequence[Tensor],
               strict_mask: bool) -> List[List[Tensor]]:
    """The same convolutions on every level.

    The levels lie one after the other; between them are zeros, as many as a
    kernel reaches over, so that none sees its neighbour.

    Args:
        towers (list[ConvTower]): All with the same kernel size.
        levels (list[Tensor]): (B, D, T_l).
        masks (list[Tensor]): (B, 1, T_l) bool, False for padding.
        strict_mask (bool): Zero padded frames between the convolutions.

    Returns:
        list[list[Tensor]]: For each tower (B, T_l, O) of each level.
    """
    gap = towers[0].out.kernel_size[0] // 2
    sizes = [size for x in levels for size in (x.size(2), gap)][:-1]
    x = _with_gaps([x.transpose(1, 2) for x in levels], gap)
    mask = _with_gaps([m.transpose(1, 2) for m in masks], gap)
    if strict_mask:
        keep = mask
        x = x * mask
    else:
        keep = _with_gaps(
            [mask.new_ones((1, level.size(2), 1)) for level in levels], gap)
    x = to_autocast(x)
    return [
        list(tower(x, mask, keep).split(sizes, 1)[::2]) for tower in towers
    ]


def _with_gaps(levels: Sequence[Tensor], gap: int) -> Tensor:
    """(B, T_l, D) one after the other, with so many zeros between."""
    zeros = levels[0].new_zeros((len(levels[0]), gap, levels[0].size(2)))
    return torch.cat([part for x in levels for part in (x, zeros)][:-1], 1)
