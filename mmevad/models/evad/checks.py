# Copyright (c) mmevad authors. All rights reserved.
"""Options of EVAD's parts: what has no meaning is refused."""
from typing import Dict, Sequence, Tuple, Union

import torch
from mmaction.utils import ConfigType
from mmcv.cnn import build_norm_layer
from torch import nn

from mmevad.utils.arguments import try_part
from mmevad.utils.ranges import (MAX_DEPTH, MAX_SIZE, MAX_VALUES, MAX_WEIGHTS,
                                 require_between, require_fractions,
                                 require_multiple, require_positive,
                                 require_sizes, require_some, require_total)
from .token_counts import keep_counts

# beyond it, the position table alone takes more than 1 GB
_MAX_TABLE = 2**27


def check_transformer(embed_dims: int, depth: int, num_heads: int,
                      mlp_ratio: float, drop_rate: float,
                      drop_path_rate: float) -> None:
    """Blocks of a transformer.

    Raises:
        ValueError: If an option is out of its range, or the hidden width of
            a block is none, or far too wide.
    """
    require_sizes(embed_dims=embed_dims, num_heads=num_heads)
    require_sizes(MAX_DEPTH, depth=depth)
    require_positive(mlp_ratio=mlp_ratio)
    require_fractions(drop_rate=drop_rate, drop_path_rate=drop_path_rate)
    if not 1 <= embed_dims * mlp_ratio <= MAX_SIZE:
        raise ValueError(
            f'mlp_ratio={mlp_ratio} times embed_dims={embed_dims} must be '
            f'from 1 to {MAX_SIZE}')
    require_total(
        MAX_WEIGHTS,
        depth * embed_dims**2 * (4 + 2 * mlp_ratio),
        'weights',
        depth=depth,
        embed_dims=embed_dims,
        mlp_ratio=mlp_ratio)


def block_keep_rates(keep_rate: Union[float, Sequence[float]],
                     prune_blocks: Sequence[int], num_tokens: int,
                     num_protected: int) -> Dict[int, float]:
    """Shares of the tokens that pruning blocks keep.

    Args:
        keep_rate (float or list[float]): One for all or one for each.
        prune_blocks (list[int]): Numbers of the blocks.
        num_tokens (int): Tokens of a clip of the pretraining's size.
        num_protected (int): Of these, tokens that are never dropped.

    Returns:
        dict: Keep rate by block.

    Raises:
        ValueError: If one is not in (0, 1], or they leave fewer than the
            protected tokens.
    """
    rates = per_block('keep_rate', keep_rate, len(prune_blocks))
    if not all(0 < rate <= 1 for rate in rates):
        raise ValueError(f'keep_rate={keep_rate} is not in (0, 1]')
    keep_counts(rates, [num_tokens], [num_protected])
    return dict(zip(prune_blocks, rates))


def check_cubes(in_channels: int, patch_size: int, tubelet_size: int,
                embed_dims: int) -> None:
    """The layer that makes cubes of a clip into tokens.

    Raises:
        ValueError: If ``in_channels`` is out of its range, or the layer has
            far too many weights.
    """
    require_sizes(in_channels=in_channels)
    require_total(
        MAX_WEIGHTS,
        in_channels * patch_size**2 * tubelet_size * embed_dims,
        'weights',
        in_channels=in_channels,
        patch_size=patch_size,
        tubelet_size=tubelet_size,
        embed_dims=embed_dims)


def token_grid(img_size: int, patch_size: int, num_frames: int,
               tubelet_size: int, embed_dims: int) -> Tuple[int, int, int]:
    """The grid of tokens that the position table is made for.

    Returns:
        tuple[int]: (t, h, w).

    Raises:
        ValueError: If an option is out of its range, or the grid has no
            token, or far too many.
    """
    require_sizes(
        img_size=img_size,
        patch_size=patch_size,
        num_frames=num_frames,
        tubelet_size=tubelet_size)
    if img_size < patch_size:
        raise ValueError(f'img_size={img_size} is less than '
                         f'patch_size={patch_size}')
    if num_frames < tubelet_size:
        raise ValueError(f'num_frames={num_frames} is less than '
                         f'tubelet_size={tubelet_size}')
    slices, side = num_frames // tubelet_size, img_size // patch_size
    tokens = slices * side**2
    if tokens * embed_dims > _MAX_TABLE:
        raise ValueError(
            f'img_size={img_size}, patch_size={patch_size}, num_frames='
            f'{num_frames} and tubelet_size={tubelet_size} give {tokens} '
            f'tokens of embed_dims={embed_dims}, too many for a position '
            'table')
    return slices, side, side


def check_block_numbers(depth: int, **options: Sequence[int]) -> None:
    """Lists of blocks, by name.

    Raises:
        ValueError: If one is not increasing, or names a block that does not
            exist.
    """
    for name, blocks in options.items():
        if list(blocks) != sorted(set(blocks) & set(range(depth))):
            raise ValueError(f'{name}={tuple(blocks)} must be increasing '
                             f'block numbers from 0 to {depth - 1}')


def check_maps(out_indices: Sequence[int],
               map_scales: Sequence[float]) -> None:
    """Keyframe maps: after which blocks, and resized by what.

    Raises:
        ValueError: If there is none, a scale is out of its range, or there
            is not one for each map.
    """
    require_between(1 / 32, 32, map_scales=map_scales)
    require_some(out_indices=out_indices)
    if len(out_indices) != len(map_scales):
        raise ValueError(
            f'out_indices={tuple(out_indices)} and map_scales='
            f'{tuple(map_scales)} must have one entry per keyframe map')


def check_actor_head(num_queries: int, num_stages: int, channels: int,
                     num_heads: int, feedforward_channels: int,
                     dynamic_channels: int, num_cls_fcs: int, num_reg_fcs: int,
                     roi_size: int) -> None:
    """Sizes of :class:`QueryActorHead`.

    Raises:
        ValueError: If one is none, or all of them make far too much.
    """
    require_sizes(
        num_queries=num_queries,
        channels=channels,
        num_heads=num_heads,
        feedforward_channels=feedforward_channels,
        dynamic_channels=dynamic_channels)
    require_sizes(MAX_DEPTH, num_stages=num_stages, roi_size=roi_size)
    require_between(
        0, MAX_DEPTH, num_cls_fcs=num_cls_fcs, num_reg_fcs=num_reg_fcs)
    require_multiple(channels=channels, num_heads=num_heads)
    dynamic = 2 * channels * dynamic_channels
    sizes = dict(
        num_queries=num_queries,
        channels=channels,
        dynamic_channels=dynamic_channels,
        roi_size=roi_size)
    require_total(
        MAX_VALUES,
        num_queries *
        max(roi_size**2 * max(channels, 16), num_queries * num_heads, dynamic),
        'values of a clip', **sizes)
    require_total(
        MAX_WEIGHTS,
        num_stages * channels *
        (2 * feedforward_channels + dynamic +
         (roi_size**2 + num_cls_fcs + num_reg_fcs + 4) * channels),
        'weights',
        num_stages=num_stages,
        feedforward_channels=feedforward_channels,
        num_cls_fcs=num_cls_fcs,
        num_reg_fcs=num_reg_fcs,
        **sizes)


def try_norm(owner: nn.Module, norm_cfg: ConfigType, embed_dims: int) -> None:
    """The norm of blocks, on a few tokens that differ little.

    Raises:
        ConfigError: If it does not take them.
    """
    tokens = torch.linspace(0, 1e-3, 6 * embed_dims).view(2, 3, -1)
    try_part(owner, 'norm_cfg',
             lambda: build_norm_layer(norm_cfg, embed_dims)[1].eval()(tokens))


def per_block(name: str, value: Union[float, Sequence],
              num_blocks: int) -> list:
    """One value for all blocks or a list with one for each -> a list.

    Raises:
        ValueError: If the list has another length.
    """
    if isinstance(value, (bool, int, float)):
        return [value] * num_blocks
    if len(value) != num_blocks:
        raise ValueError(f'{name}={list(value)} must be one value or '
                         f'{num_blocks} of them, one per block')
    return list(value)
