# Copyright (c) mmevad authors. All rights reserved.
"""Sizes of ActionFormer: none at all, or far too much together."""
from typing import Optional, Sequence, Union

from mmevad.utils.ranges import (MAX_DEPTH, MAX_LENGTH, MAX_VALUES,
                                 MAX_WEIGHTS, require_between, require_sizes,
                                 require_some, require_total)

Sizes = Union[int, Sequence[int]]


def _sum(sizes: Sizes) -> int:
    return sizes if isinstance(sizes, int) else sum(sizes)


def check_neck(in_channels: Sizes, embed_dims: Sizes, max_seq_len: int,
               arch: Sequence[int], num_heads: int, window_size: Sizes,
               kernel_size: int, use_abs_pe: bool,
               out_channels: Optional[int]) -> None:
    """Sizes of the neck, see :class:`ActionFormerNeck`.

    Raises:
        ValueError: If one is none, or all of them make far too much.
    """
    num_convs, num_stem, num_branch = arch
    if min(arch) < 0 or num_stem < 1 or max(arch) > MAX_DEPTH:
        raise ValueError(f'arch={tuple(arch)} must be the numbers of '
                         'convolutions, of blocks of the stem (at least 1) '
                         f'and of levels behind it, none above {MAX_DEPTH}')
    if num_branch > MAX_LENGTH.bit_length():
        raise ValueError(f'arch={tuple(arch)} halves the rate '
                         f'{num_branch} times')
    sizes = dict(
        in_channels=in_channels,
        embed_dims=embed_dims,
        out_channels=out_channels,
        num_heads=num_heads)
    require_some(window_size=window_size, **sizes)
    require_sizes(MAX_LENGTH, max_seq_len=max_seq_len)
    require_between(-1, MAX_LENGTH, window_size=window_size)
    require_sizes(MAX_DEPTH, kernel_size=kernel_size)
    require_sizes(**sizes)
    width = _sum(embed_dims)
    blocks = num_stem + num_branch
    require_total(
        MAX_WEIGHTS,
        kernel_size * width * (_sum(in_channels) + num_convs * width) +
        blocks * width * (12 * width + (out_channels or width)),
        'weights',
        in_channels=in_channels,
        embed_dims=embed_dims,
        kernel_size=kernel_size,
        arch=arch)
    if use_abs_pe:
        require_total(
            MAX_VALUES,
            max_seq_len * width,
            'values of positions',
            max_seq_len=max_seq_len,
            embed_dims=embed_dims)


def check_towers(num_classes: int, in_channels: int, feat_channels: int,
                 num_layers: int, kernel_size: int) -> None:
    """Sizes of the head, see :class:`ActionFormerHead`.

    Raises:
        ValueError: If one is none, or all of them make far too much.
    """
    sizes = dict(
        num_classes=num_classes,
        in_channels=in_channels,
        feat_channels=feat_channels)
    require_sizes(**sizes)
    shape = dict(num_layers=num_layers, kernel_size=kernel_size)
    require_sizes(MAX_DEPTH, **shape)
    width = max(in_channels, feat_channels)
    require_total(MAX_WEIGHTS,
                  kernel_size * width * (2 * num_layers * width + num_classes),
                  'weights', **sizes, **shape)
