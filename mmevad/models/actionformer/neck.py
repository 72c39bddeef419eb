# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormerNeck: clip features -> pyramid of features."""
from typing import List, Optional, Sequence, Tuple, Union

from mmaction.registry import MODELS
from mmaction.utils import OptConfigType
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmevad.utils.ranges import require_fractions
from .backbone import FeatureProjection, SinePosition, TemporalPyramid
from .layers import MaskedConv1d
from .sizes import check_neck


class LevelNorms(nn.Module):
    """LN of each level: the neck ``'identity'``.

    Args:
        num_levels (int): Levels.
        channels (int): Their width D.
        with_ln (bool): Defaults to True.
        strict_mask (bool): Zero padded frames after LN. Defaults to False.
    """

    def __init__(self,
                 num_levels: int,
                 channels: int,
                 with_ln: bool = True,
                 strict_mask: bool = False) -> None:
        super().__init__()
        self.strict_mask = strict_mask
        self.norms = nn.ModuleList([
            nn.LayerNorm(channels) if with_ln else nn.Identity()
            for _ in range(num_levels)
        ])

    def forward(self, levels: Sequence[Tensor],
                masks: Sequence[Tensor]) -> List[Tensor]:
        """Levels (B, T_l, D) and masks (B, T_l, 1) -> levels."""
        levels = [norm(x) for norm, x in zip(self.norms, levels)]
        if self.strict_mask:
            levels = [x * mask for x, mask in zip(levels, masks)]
        return levels


class TopDown(LevelNorms):
    """Top-down feature pyramid over time: the neck ``'fpn'``.

    1x1 convolutions, then each level gets the coarser one added, then
    depthwise convolutions and LN.

    Args:
        in_channels (int): Width of the levels.
        num_levels (int): Levels.
        channels (int): Width D of the result.
        with_ln (bool): Defaults to True.
        strict_mask (bool): Keep padding out of everything. Defaults to
            False.
    """

    def __init__(self,
                 in_channels: int,
                 num_levels: int,
                 channels: int,
                 with_ln: bool = True,
                 strict_mask: bool = False) -> None:
        super().__init__(num_levels, channels, with_ln, strict_mask)
        self.laterals = nn.ModuleList([
            MaskedConv1d(in_channels, channels, 1, bias=not with_ln)
            for _ in range(num_levels)
        ])
        self.convs = nn.ModuleList([
            MaskedConv1d(
                channels, channels, 3, groups=channels, bias=not with_ln)
            for _ in range(num_levels)
        ])

    def forward(self, levels: Sequence[Tensor],
                masks: Sequence[Tensor]) -> List[Tensor]:
        """Levels (B, T_l, C) and masks (B, T_l, 1) -> levels (B, T_l, D)."""
        levels = [
            conv(x, mask)
            for conv, x, mask in zip(self.laterals, levels, masks)
        ]
        for i in range(len(levels) - 1, 0, -1):
            length = levels[i - 1].size(1)
            coarse = levels[i]
            if coarse.size(1) != length:
                coarse = coarse.repeat_interleave(2, 1)[:, :length]
            if self.strict_mask:
                coarse = coarse * masks[i - 1]
            levels[i - 1] = levels[i - 1] + coarse
        levels = [
            conv(x, mask) for conv, x, mask in zip(self.convs, levels, masks)
        ]
        return super().forward(levels, masks)


@MODELS.register_module()
class ActionFormerNeck(BaseModule):
    """Local-window transformer pyramid over clip features.

    Zhang et al., *ActionFormer: Localizing Moments of Actions with
    Transformers*, ECCV 2022 (arXiv 2202.07925), Sec. 3.2.

    Args:
        in_channels (int or list[int]): Channels C of the features, or of
            each stream of them.
        embed_dims (int or list[int]): Width D; a list, one number for each
            stream, adds up to it. Defaults to 512.
        max_seq_len (int): Frames of a training sequence. Defaults to 2304.
        arch (tuple[int]): Convolutions of the projection, blocks at full
            rate, blocks that halve it. Defaults to (2, 2, 5).
        num_heads (int): Attention heads of a block. Defaults to 4.
        window_size (int or list[int]): Odd number of frames that a query
            attends to, 1 or less for all; one for all levels or for each.
            Defaults to 19.
        kernel_size (int): Of the projection. Defaults to 3.
        with_ln (bool): LN in the projection. Defaults to True.
        dropout (float): Of the blocks. Defaults to 0.
        drop_path_rate (float): Of all blocks; above 0 they have learned
            scales. Defaults to 0.1.
        use_abs_pe (bool): Add a sine-cosine position. Defaults to False.
        use_rel_pe (bool): Learn a bias for each place in the window.
            Defaults to False.
        backbone_type (str): ``'transformer'`` or ``'conv'``.
        stem_outputs (str): ``'last'``: the blocks at full rate make up one
            level. ``'all'``: each is a level. Defaults to ``'last'``.
        neck_type (str): ``'identity'``: LN of each level. ``'fpn'``: a
            top-down pyramid. Defaults to ``'identity'``.
        neck_with_ln (bool): LN at the end. Defaults to True.
        out_channels (int, optional): Width with ``'fpn'``. Defaults to D.
        strict_mask (bool): Keep padding out of everything, so that a
            video's result never depends on how it was padded. The released
            model does not: after LN padded frames hold its bias, which the
            next convolution carries over. Defaults to False.
        with_cp (bool): Training takes less memory and a little more time:
            transformer blocks compute again what the backward pass wants.
            Defaults to False.
        init_cfg (dict, optional): mmengine initialisation.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self,
                 in_channels: Union[int, Sequence[int]],
                 embed_dims: Union[int, Sequence[int]] = 512,
                 max_seq_len: int = 2304,
                 arch: Tuple[int, int, int] = (2, 2, 5),
                 num_heads: int = 4,
                 window_size: Union[int, Sequence[int]] = 19,
                 kernel_size: int = 3,
                 with_ln: bool = True,
                 dropout: float = 0.,
                 drop_path_rate: float = 0.1,
                 use_abs_pe: bool = False,
                 use_rel_pe: bool = False,
                 backbone_type: str = 'transformer',
                 stem_outputs: str = 'last',
                 neck_type: str = 'identity',
                 neck_with_ln: bool = True,
                 out_channels: Optional[int] = None,
                 strict_mask: bool = False,
                 with_cp: bool = False,
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(init_cfg=init_cfg)
        check_neck(in_channels, embed_dims, max_seq_len, arch, num_heads,
                   window_size, kernel_size, use_abs_pe, out_channels)
        require_fractions(dropout=dropout, drop_path_rate=drop_path_rate)
        projection = FeatureProjection(in_channels, embed_dims, arch[0],
                                       kernel_size, with_ln, strict_mask)
        width = projection.embed_dims
        if out_channels is None:
            out_channels = width
        #: channels of each level
        self.out_channels = out_channels
        self.backbone = TemporalPyramid(
            projection,
            arch[1],
            arch[2],
            window_size,
            backbone_type,
            stem_outputs,
            SinePosition(max_seq_len, width) if use_abs_pe else None,
            num_heads=num_heads,
            use_rel_pe=use_rel_pe,
            dropout=dropout,
            drop_path_rate=drop_path_rate,
            strict_mask=strict_mask,
            with_cp=with_cp)
        self.in_channels = sum(projection.in_channels)
        self.strides = self.backbone.strides
        self.max_seq_len = max_seq_len
        self.use_abs_pe = use_abs_pe
        self.strict_mask = strict_mask
        if max_seq_len % self.strides[-1]:
            raise ValueError(f'max_seq_len={max_seq_len} is not a multiple of '
                             f'the coarsest stride, {self.strides[-1]}')
        args = (len(self.strides), out_channels, neck_with_ln, strict_mask)
        if neck_type == 'fpn':
            self.fpn = TopDown(width, *args)
        elif neck_type != 'identity':
            raise ValueError(f"neck_type={neck_type!r} is none of 'identity' "
                             "and 'fpn'")
        elif out_channels != width:
            raise ValueError(f'out_channels={out_channels} needs '
                             "neck_type='fpn', the neck 'identity' keeps "
                             f'the width {width}')
        else:
            self.fpn = LevelNorms(*args)

    @property
    def length_divisor(self) -> int:
        """What the released model pads longer test videos to.

        A multiple of the chunks of its attention at every level. Only the
        resized position depends on it here.
        """
        return max(
            stride * (window // 2 * 2 if window > 1 else 1)
            for stride, window in zip(self.strides, self.backbone.windows))

    def forward(
        self,
        feats: Tensor,
        mask: Tensor,
        stretch: Optional[int] = None
    ) -> Tuple[Tuple[Tensor, ...], Tuple[Tensor, ...]]:
        """Build the pyramid.

        Args:
            feats (Tensor): (B, C, T), zero for padding.
            mask (Tensor): (B, 1, T) bool, True for valid frames.
            stretch (int, optional): Frames that the absolute position is
                resized to. Defaults to None: it is not.

        Returns:
            tuple: Levels (B, D, T_l) and their masks (B, 1, T_l), finest
            first; a level has every second entry of the mask before.
        """
        # inside, channels come last: LN and attention want them so
        levels, masks = self.backbone(
            feats.transpose(1, 2), mask.transpose(1, 2), stretch)
        levels = self.fpn(levels, masks)
        return (tuple(x.transpose(1, 2) for x in levels),
                tuple(m.transpose(1, 2) for m in masks))
