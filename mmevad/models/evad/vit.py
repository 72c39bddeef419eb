# Copyright (c) mmevad authors. All rights reserved.
"""KeyframeTokenPruneViT: clip -> surviving tokens and keyframe maps."""
import math
from functools import partial
from typing import List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import ConfigType
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks.transformer import PatchEmbed
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from ...utils.ranges import require_at_least
from ...utils.videomae import load_videomae
from .checks import (block_keep_rates, check_block_numbers, check_cubes,
                     check_maps, check_transformer, per_block, token_grid,
                     try_norm)
from .importance import attend
from .keyframe import (find_keyframe, keyframe_first, keyframe_map,
                       keyframe_weights)
from .structures import Padding, Shapes, VideoTokens
from .token_counts import keep_counts, prune_counts
from .token_pruning import (attend_and_score, class_token_importance,
                            drop_at_random, drop_padding, keep_tokens,
                            kept_positions)
from .transformer import (Block, SineCosinePosition, embed_cubes,
                          maybe_checkpoint)

# positions that are kept and which of them count, once they are chosen
Choice = List[Tuple[Tensor, Optional[Tensor]]]
SELECTORS = ('gap', 'cls', 'random', 'unified')


@MODELS.register_module()
class KeyframeTokenPruneViT(BaseModule):
    """Video transformer that drops context tokens and keeps the keyframe's.

    EVAD (arXiv 2304.08451), Sec. 3.2. Parameter names are those of
    mmaction2's ``VisionTransformer`` (VideoMAE), so its weights load by name;
    ``init_cfg=dict(type='Pretrained', checkpoint=...)`` reads mmaction2's and
    the authors' VideoMAE files and reports what was and was not loaded.
    Pruning has no parameters: a checkpoint runs at any ``keep_rate``.

    Args:
        img_size (int): Side of the pretraining clips, in pixels: sets the
            grid of the position table. Defaults to 224.
        patch_size (int): Side of a token, in pixels. Defaults to 16.
        in_channels (int): Channels of the clip. Defaults to 3.
        embed_dims (int): Width C. Defaults to 768.
        depth (int): Blocks. Defaults to 12.
        num_heads (int): Attention heads of a block. Defaults to 12.
        mlp_ratio (float): Hidden width of a block by C. Defaults to 4.
        qkv_bias (bool): Learned q and v biases. Defaults to True.
        drop_rate (float): Dropout. Defaults to 0.
        drop_path_rate (float): Stochastic depth of the last block, rising
            linearly from 0. Defaults to 0.1.
        num_frames (int): Frames of a clip. Defaults to 16.
        tubelet_size (int): Frames of a token. Defaults to 2.
        keep_rate (float or list[float]): rho, the share of all tokens that a
            pruning block keeps, in (0, 1]; one for all or one for each
            pruning block. Defaults to 0.7.
        prune_blocks (list[int]): Blocks that prune, 0-based. Defaults to
            (3, 6, 9).
        selector (str): What is dropped. ``'gap'``: the tokens with the least
            mean attention (eq. 1). ``'cls'``: with the least attention of a
            class token. ``'unified'``: as ``gap``, but keyframe tokens
            compete like the others. ``'random'``: a random choice before
            block 0, down to the count after the last pruning. Defaults to
            ``'gap'``.
        keyframe_weight (float): w_kf, weight of the keyframe's queries in
            the importance. Defaults to 1.
        keyframe_index (int, optional): Time slice of the keyframe. Defaults
            to None: the middle, t // 2, of an even number t of slices.
        out_indices (list[int]): Blocks after which a keyframe map is taken,
            0-based. Defaults to (2, 5, 8, 11).
        map_scales (list[float]): Resizing of each keyframe map. Defaults to
            (4, 2, 1, 0.5).
        mask_padding (bool): Keep padded tokens out of attention, selection
            and RoIs, so that a clip's result does not depend on the size of
            its batch-mates. Defaults to False, as in the released model.
        with_cp (bool or list[bool]): Activation checkpointing of the blocks,
            for all or each. Defaults to False.
        norm_cfg (dict): Norm of the blocks. Defaults to LayerNorm with eps
            1e-6.
        init_cfg (dict or list[dict], optional): mmengine initialisation;
            linear layers are truncated normal (std 0.02) by default.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        img_size: int = 224,
        patch_size: int = 16,
        in_channels: int = 3,
        embed_dims: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.,
        qkv_bias: bool = True,
        drop_rate: float = 0.,
        drop_path_rate: float = 0.1,
        num_frames: int = 16,
        tubelet_size: int = 2,
        keep_rate: Union[float, Sequence[float]] = 0.7,
        prune_blocks: Sequence[int] = (3, 6, 9),
        selector: str = 'gap',
        keyframe_weight: float = 1.,
        keyframe_index: Optional[int] = None,
        out_indices: Sequence[int] = (2, 5, 8, 11),
        map_scales: Sequence[float] = (4, 2, 1, 0.5),
        mask_padding: bool = False,
        with_cp: Union[bool, Sequence[bool]] = False,
        norm_cfg: ConfigType = dict(type='LN', eps=1e-6),
        init_cfg: Union[dict, List[dict], None] = [
            dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.),
            dict(type='Constant', layer='LayerNorm', val=1., bias=0.)
        ]
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        check_transformer(embed_dims, depth, num_heads, mlp_ratio, drop_rate,
                          drop_path_rate)
        grid = token_grid(img_size, patch_size, num_frames, tubelet_size,
                          embed_dims)
        check_cubes(in_channels, patch_size, tubelet_size, embed_dims)
        require_at_least(0, keyframe_weight=keyframe_weight)
        if selector not in SELECTORS:
            raise ValueError(f'selector={selector!r} is none of {SELECTORS}')
        check_maps(out_indices, map_scales)
        check_block_numbers(
            depth, prune_blocks=prune_blocks, out_indices=out_indices)
        self.keep_rates = block_keep_rates(
            keep_rate, prune_blocks, math.prod(grid),
            0 if selector == 'unified' else grid[1] * grid[2])
        try_norm(self, norm_cfg, embed_dims)
        self.embed_dims = embed_dims
        self.patch_size = patch_size
        self.tubelet_size = tubelet_size
        self.selector = selector
        self.keyframe_weight = keyframe_weight
        self.keyframe_index = keyframe_index
        self.out_indices = tuple(out_indices)
        self.map_scales = tuple(map_scales)
        # the smallest map needs a whole number of tokens
        self.size_divisor = round(patch_size / min(1, min(map_scales)))
        self.mask_padding = mask_padding
        self.with_cp = per_block('with_cp', with_cp, depth)

        kernel = (tubelet_size, patch_size, patch_size)
        self.patch_embed = PatchEmbed(
            in_channels=in_channels,
            embed_dims=embed_dims,
            conv_type='Conv3d',
            kernel_size=kernel,
            stride=kernel,
            padding=(0, 0, 0),
            dilation=(1, 1, 1))
        find_keyframe(num_frames, tubelet_size, keyframe_index)
        self.position = SineCosinePosition(embed_dims, grid)
        if selector == 'cls':
            self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.blocks = ModuleList([
            Block(embed_dims, num_heads, mlp_ratio, qkv_bias, drop_rate, rate,
                  norm_cfg) for rate in rates
        ])
        self.norm = build_norm_layer(norm_cfg, embed_dims)[1]

    def init_weights(self) -> None:
        """Initialise; ``type='Pretrained'`` reads VideoMAE files."""
        if isinstance(self.init_cfg,
                      dict) and self.init_cfg['type'] == 'Pretrained':
            load_videomae(self, self.init_cfg['checkpoint'])
            self._is_init = True
        else:
            super().init_weights()

    def _embed(self, clip: Tensor, padding: Optional[Padding], slices: int,
               key: int) -> Tuple[Tensor, Tensor, tuple]:
        """Clip (B, 3, T, H, W) -> tokens (B, N, C), ids (B, N), grid; the
        keyframe's tokens first."""
        batch, (height, width) = len(clip), clip.shape[3:]
        if height % self.size_divisor or width % self.size_divisor:
            raise ValueError(
                f'a clip of {height}x{width} pixels is not padded to a '
                f'multiple of {self.size_divisor}; use '
                'EVADDataPreprocessor')
        grid = (slices, height // self.patch_size, width // self.patch_size)
        x = embed_cubes(clip, self.patch_embed.projection)
        x = x + self.position(grid, padding and padding.grids)
        ids = torch.arange(x.size(1), device=x.device).expand(batch, -1)
        return (keyframe_first(x, slices,
                               key), keyframe_first(ids, slices, key), grid)

    def _attend_and_score(self, q: Tensor, k: Tensor, v: Tensor, scale: float,
                          key_mask: Optional[Tensor], ids: Tensor, spot: int,
                          key: int) -> Tuple[Tensor, Tensor]:
        """Attention and the importance (B, N) of all but a class token."""
        if self.selector == 'cls':
            out, _ = attend(q, k, v, scale, key_mask)
            return out, class_token_importance(q, k, scale, key_mask)
        weight = keyframe_weights(ids, spot, key, self.keyframe_weight)
        return attend_and_score(q, k, v, scale, weight, key_mask)

    def _run_block(self, number: int, x: Tensor, ids: Tensor,
                   valid: Optional[Tensor], keep: Optional[List[int]],
                   num_protected: int, spot: int, key: int, chosen: Choice):
        """One block; ``keep`` is None where nothing is dropped.

        Activation checkpointing runs a block again for its gradients, and
        then with the tokens that the first run left in ``chosen``: scoring
        once is cheaper, and twice might choose others.
        """
        block, mask, attention = self.blocks[number], valid, None
        if mask is not None:
            mask = F.pad(mask, (x.size(1) - ids.size(1), 0), value=True)
        if chosen:
            attention = attend  # the same kernel, without scores
        elif keep is not None:
            attention = partial(
                self._attend_and_score, ids=ids, spot=spot, key=key)
        x, importance = block.attend(x, mask, attention)
        if keep is not None:
            if not chosen:
                chosen.append(
                    kept_positions(importance, keep, num_protected, valid))
            index, valid = chosen[0]
            x, ids = keep_tokens(x, ids, index)
        return block.feed_forward(x), ids, valid

    def forward(self,
                clip: Tensor,
                img_shapes: Optional[Shapes] = None) -> VideoTokens:
        """Encode clips.

        Args:
            clip (Tensor): (B, 3, T, H, W), normalised; H and W multiples of
                32.
            img_shapes (list[tuple[int]], optional): Unpadded (height, width)
                of each clip, in pixels; needed with ``mask_padding``.

        Returns:
            VideoTokens: See there.

        Raises:
            ValueError: If T or the size does not fit, or a keep rate cuts
                into the keyframe.
        """
        size = tuple(d // self.patch_size for d in clip.shape[3:])
        padding = None
        if self.mask_padding:
            padding = Padding.from_shapes(img_shapes, size, self.patch_size,
                                          self.size_divisor, clip.device)
        slices, key = find_keyframe(
            clip.size(2), self.tubelet_size, self.keyframe_index)
        x, ids, grid = self._embed(clip, padding, slices, key)
        spot = grid[1] * grid[2]
        num_protected = 0 if self.selector == 'unified' else spot
        valid = None
        counts = [spot * slices] * len(clip)
        protected = [num_protected] * len(clip)
        if padding is not None:  # what is behind the keyframe goes at once
            counts = [n * slices for n in padding.counts]
            protected = padding.counts if num_protected else protected
            valid = padding.valid.flatten(1).repeat(1, slices)
            x, ids, valid = drop_padding(x, ids, valid,
                                         keep_counts([], counts, protected),
                                         num_protected)
        rates = self.keep_rates
        if self.selector == 'cls':
            x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1)
        elif self.selector == 'random':
            keep, _ = prune_counts(list(rates.values()), counts, protected)
            if keep is not None:
                x, ids, valid = drop_at_random(x, ids, valid, keep,
                                               num_protected)
            rates = {}
        maps = []
        for i in range(len(self.blocks)):
            keep = None
            if i in rates:
                keep, counts = prune_counts([rates[i]], counts, protected)
            args = (i, x, ids, valid, keep, num_protected, spot, key, [])
            x, ids, valid = maybe_checkpoint(self.with_cp[i], self._run_block,
                                             *args)
            if i in self.out_indices:
                maps.append(
                    keyframe_map(x, ids, grid, key, num_protected > 0, valid,
                                 self.map_scales[len(maps)]))
        tokens = self.norm(x[:, x.size(1) - ids.size(1):])
        masks = padding and padding.level_masks(self.map_scales)
        return VideoTokens(tokens, ids, num_protected, grid, tuple(maps),
                           valid, padding, masks)
