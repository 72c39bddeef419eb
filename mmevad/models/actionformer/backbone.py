# Copyright (c) mmevad authors. All rights reserved.
"""Projection of clip features and the temporal pyramid over them."""
from typing import List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmaction.models.backbones.vit_mae import get_sinusoid_encoding
from torch import Tensor, nn

from mmevad.utils.plain_operators import wants_plain_operators
from .blocks import ConvBlock, TransformerBlock
from .layers import MaskedConv1d


def _choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f'{name}={value!r} is none of {tuple(choices)}')


class FeatureProjection(nn.Module):
    """Clip features -> D channels, by convolutions with LN and ReLU.

    Several streams of features are projected on their own first (1x1), and
    concatenated.

    Args:
        in_channels (int or list[int]): C, or one for each stream; the
            streams lie one after the other in the channels.
        embed_dims (int or list[int]): D, or one for each stream, whose sum
            is D then.
        num_convs (int): Defaults to 2.
        kernel_size (int): Defaults to 3.
        with_ln (bool): Defaults to True.
        strict_mask (bool): Zero padded frames after LN too. Defaults to
            False.

    Raises:
        ValueError: If the streams of ``in_channels`` and ``embed_dims``
            differ in number, or their widths without a convolution.
    """

    def __init__(self,
                 in_channels: Union[int, Sequence[int]],
                 embed_dims: Union[int, Sequence[int]],
                 num_convs: int = 2,
                 kernel_size: int = 3,
                 with_ln: bool = True,
                 strict_mask: bool = False) -> None:
        super().__init__()
        self.strict_mask = strict_mask
        self.streams = None
        streams = isinstance(in_channels, int), isinstance(embed_dims, int)
        if streams == (True, True):
            self.in_channels = [in_channels]
        elif any(streams) or len(in_channels) != len(embed_dims):
            raise ValueError(f'in_channels={in_channels} and embed_dims='
                             f'{embed_dims} must both be numbers or lists '
                             'with one number for each feature stream')
        else:
            self.in_channels = list(in_channels)
            self.streams = nn.ModuleList([
                MaskedConv1d(c, d, 1) for c, d in zip(in_channels, embed_dims)
            ])
            in_channels = embed_dims = sum(embed_dims)
        if not num_convs and in_channels != embed_dims:
            raise ValueError(
                f'arch has no convolution of the projection, which leaves '
                f'the {in_channels} channels, not embed_dims={embed_dims}')
        self.embed_dims = embed_dims
        self.convs = nn.ModuleList([
            MaskedConv1d(
                embed_dims if i else in_channels,
                embed_dims,
                kernel_size,
                bias=not with_ln) for i in range(num_convs)
        ])
        self.norms = nn.ModuleList([
            nn.LayerNorm(embed_dims) if with_ln else nn.Identity()
            for _ in range(num_convs)
        ])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, C) and mask (B, T, 1) -> (B, T, D)."""
        if self.streams is not None:
            parts = x.split(self.in_channels, -1)
            x = torch.cat([
                project(part, mask)
                for project, part in zip(self.streams, parts)
            ], -1)
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x, mask))
            if self.strict_mask:
                x = x.mul_(mask)
            x = x.relu_()
        return x


class SinePosition(nn.Module):
    """Fixed sine-cosine code of time, divided by sqrt(D).

    The table is recomputed, not stored in checkpoints.

    Args:
        max_seq_len (int): Frames of the table.
        embed_dims (int): D.
    """

    def __init__(self, max_seq_len: int, embed_dims: int) -> None:
        super().__init__()
        table = get_sinusoid_encoding(max_seq_len, embed_dims)
        self.register_buffer(
            'table', table / embed_dims**0.5, persistent=False)

    def forward(self, length: int, stretch: Optional[int] = None) -> Tensor:
        """Codes of the first frames.

        Args:
            length (int): T.
            stretch (int, optional): Resize the table to this many frames,
                at least T. Defaults to None: leave it.

        Returns:
            Tensor: (1, T, D).

        Raises:
            ValueError: If the table ends before T.
        """
        table = self.table
        if stretch is not None and (wants_plain_operators()
                                    or stretch != table.size(1)):
            table = F.interpolate(
                table.transpose(1, 2), stretch, mode='linear').transpose(1, 2)
        if length > table.size(1):
            raise ValueError(
                f'{length} frames but positions for {table.size(1)} only; '
                'raise max_seq_len of the neck or cut the video')
        return table[:, :length]


class TemporalPyramid(nn.Module):
    """Clip features -> levels of halving rate.

    ActionFormer (arXiv 2202.07925), Sec. 3.2.

    Args:
        projection (FeatureProjection): What runs first.
        num_stem (int): Blocks at full rate.
        num_branch (int): Blocks that halve the rate, a level each.
        windows (int or list[int]): Attention window, or one for each level.
        block (str): ``'transformer'`` or ``'conv'``.
        stem_outputs (str): ``'last'``: the stem is one level. ``'all'``:
            each of its blocks is.
        position (SinePosition, optional): Added after the projection.
        **block_cfg: Arguments of :class:`TransformerBlock`.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self,
                 projection: FeatureProjection,
                 num_stem: int,
                 num_branch: int,
                 windows: Union[int, Sequence[int]],
                 block: str = 'transformer',
                 stem_outputs: str = 'last',
                 position: Optional[SinePosition] = None,
                 **block_cfg) -> None:
        super().__init__()
        self.projection = projection
        self.position = position
        _choice('backbone_type', block, ('transformer', 'conv'))
        _choice('stem_outputs', stem_outputs, ('last', 'all'))
        self.first_level = num_stem - 1 if stem_outputs == 'last' else 0
        num_levels = num_stem - self.first_level + num_branch
        if isinstance(windows, int):
            windows = [windows] * num_levels
        if len(windows) != num_levels:
            raise ValueError(f'window_size={list(windows)} must be one number '
                             f'or {num_levels} of them, one per level')
        #: stride of each level, in features
        self.strides = [1] * (num_levels - num_branch)
        self.strides += [2**(i + 1) for i in range(num_branch)]
        self.windows = list(windows)
        width = projection.embed_dims
        windows = [windows[0]] * self.first_level + list(windows)

        def build(window: int, stride: int) -> nn.Module:
            if block == 'conv':
                return ConvBlock(width, stride)
            return TransformerBlock(
                width, window=window, stride=stride, **block_cfg)

        self.stem = nn.ModuleList([build(w, 1) for w in windows[:num_stem]])
        self.branch = nn.ModuleList([build(w, 2) for w in windows[num_stem:]])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(
            self,
            x: Tensor,
            mask: Tensor,
            stretch: Optional[int] = None
    ) -> Tuple[List[Tensor], List[Tensor]]:
        """Build the levels.

        Args:
            x (Tensor): (B, T, C), zero for padding.
            mask (Tensor): (B, T, 1) bool, False for padding.
            stretch (int, optional): See :class:`SinePosition`.

        Returns:
            tuple: Levels (B, T_l, D) and masks (B, T_l, 1).
        """
        x = self.projection(x, mask)
        if self.position is not None:
            x = x + self.position(x.size(1), stretch).to(x) * mask
        levels, masks = [], []
        for i, block in enumerate([*self.stem, *self.branch]):
            x, mask = block(x, mask)
            if i >= self.first_level:
                levels.append(x)
                masks.append(mask)
        return levels, masks
