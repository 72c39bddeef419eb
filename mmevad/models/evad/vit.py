# Copyright (c) mmevad authors. All rights reserved.
"""KeyframeTokenPruneViT: clip -> surviving tokens and keyframe maps."""
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
from torch.utils.checkpoint import checkpoint

from ...utils.ranges import (MAX_DEPTH, require_at_least, require_between,
                             require_fractions, require_positive,
                             require_sizes, require_some)
from ...utils.videomae import load_videomae
from .checks import check_grid, check_mlp
from .importance import attend
from .keyframe import find_keyframe, keyframe_first, keyframe_map
from .structures import Padding, VideoTokens
from .token_pruning import (attend_and_score, class_token_importance,
                            drop_tokens, keep_counts, keep_tokens,
                            kept_positions)
from .transformer import Block, SineCosinePosition, embed_cubes

# positions that are kept and which of them count, once they are chosen
Choice = List[Tuple[Tensor, Optional[Tensor]]]
SELECTORS = ('gap', 'cls', 'random', 'unified')


def _check(selector: str, depth: int, prune_blocks: Sequence[int],
           out_indices: Sequence[int], map_scales: Sequence[float]) -> None:
    if selector not in SELECTORS:
        raise ValueError(f'selector={selector!r} is none of {SELECTORS}')
    if len(out_indices) != len(map_scales):
        raise ValueError(
            f'out_indices={tuple(out_indices)} and map_scales='
            f'{tuple(map_scales)} must have one entry per keyframe map')
    for name, blocks in (('prune_blocks', prune_blocks), ('out_indices',
                                                          out_indices)):
        if list(blocks) != sorted(set(blocks) & set(range(depth))):
            raise ValueError(f'{name}={tuple(blocks)} must be increasing '
                             f'block numbers from 0 to {depth - 1}')


def _per_block(name: str, value: Union[float, Sequence],
               num_blocks: int) -> list:
    """One value for all blocks or a list with one for each -> a list."""
    if isinstance(value, (bool, int, float)):
        return [value] * num_blocks
    if len(value) != num_blocks:
        raise ValueError(f'{name}={list(value)} must be one value or '
                         f'{num_blocks} of them, one per block')
    return list(value)


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
        require_sizes(
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            embed_dims=embed_dims,
            num_heads=num_heads,
            num_frames=num_frames,
            tubelet_size=tubelet_size)
        require_sizes(MAX_DEPTH, depth=depth)
        require_positive(mlp_ratio=mlp_ratio)
        require_between(1 / 32, 32, map_scales=map_scales)
        require_at_least(0, keyframe_weight=keyframe_weight)
        require_fractions(drop_rate=drop_rate, drop_path_rate=drop_path_rate)
        require_some(out_indices=out_indices)
        _check(selector, depth, prune_blocks, out_indices, map_scales)
        check_grid(img_size, patch_size, num_frames, tubelet_size, embed_dims)
        check_mlp(embed_dims, mlp_ratio)
        keep_rates = _per_block('keep_rate', keep_rate, len(prune_blocks))
        if not all(0 < rate <= 1 for rate in keep_rates):
            raise ValueError(f'keep_rate={keep_rate} is not in (0, 1]')
        self.embed_dims = embed_dims
        self.patch_size = patch_size
        self.tubelet_size = tubelet_size
        self.keep_rates = dict(zip(prune_blocks, keep_rates))
        self.selector = selector
        self.keyframe_weight = keyframe_weight
        self.keyframe_index = keyframe_index
        self.out_indices = tuple(out_indices)
        self.map_scales = tuple(map_scales)
        # the smallest map needs a whole number of tokens
        self.size_divisor = round(patch_size / min(1, min(map_scales)))
        self.mask_padding = mask_padding
        self.with_cp = _per_block('with_cp', with_cp, depth)

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
        self.position = SineCosinePosition(
            embed_dims, (num_frames // tubelet_size, img_size // patch_size,
                         img_size // patch_size))
        if selector == 'cls':
            self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        rates = torch.linspace(0, drop_path_rate, depth).tolist()
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

    def _embed(self, clip: Tensor,
               padding: Optional[Padding]) -> Tuple[Tensor, Tensor, tuple]:
        """Clip (B, 3, T, H, W) -> tokens (B, N, C), ids (B, N), grid; the
        keyframe's tokens first."""
        batch, _, frames, height, width = clip.shape
        slices, key = find_keyframe(frames, self.tubelet_size,
                                    self.keyframe_index)
        if height % self.size_divisor or width % self.size_divisor:
            raise ValueError(
                f'a clip of {height}x{width} pixels is not padded to a '
                f'multiple of {self.size_divisor}; use '
                'EVADDataPreprocessor')
        grid = (slices, height // self.patch_size, width // self.patch_size)
        x = embed_cubes(clip, self.patch_embed.projection)
        if padding is None:
            x = x + self.position(grid)
        else:
            x = x + self.position.padded(padding.grids, grid)
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
        weight = None
        if self.keyframe_weight != 1:
            weight = torch.ones_like(
                ids, dtype=torch.float32).masked_fill_(ids // spot == key,
                                                       self.keyframe_weight)
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

    def forward(
            self,
            clip: Tensor,
            img_shapes: Optional[Sequence[Tuple[int,
                                                int]]] = None) -> VideoTokens:
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
        batch = len(clip)
        size = tuple(d // self.patch_size for d in clip.shape[3:])
        padding = None
        if self.mask_padding:
            if img_shapes is None:
                raise ValueError('mask_padding needs the unpadded size of '
                                 'each clip, img_shapes')
            padding = Padding.from_shapes(img_shapes, size, self.patch_size,
                                          self.size_divisor, clip.device)
        x, ids, grid = self._embed(clip, padding)
        slices, key = find_keyframe(
            clip.size(2), self.tubelet_size, self.keyframe_index)
        spot = grid[1] * grid[2]
        valid = None
        spots = [spot] * batch
        if padding is not None:
            spots = padding.counts
            valid = padding.valid.flatten(1).repeat(1, slices)
        counts = [s * slices for s in spots]
        num_protected = 0 if self.selector == 'unified' else spot
        protected = [0] * batch if self.selector == 'unified' else spots
        rates = self.keep_rates
        if valid is not None:  # padding behind the keyframe goes at once
            keep = keep_counts([1.], counts, protected)
            natural = -torch.arange(ids.size(1), device=x.device).float()
            x, ids, valid = drop_tokens(x, ids, valid,
                                        natural.expand(batch, -1), keep,
                                        num_protected)
        if self.selector == 'cls':
            x = torch.cat((self.cls_token.expand(batch, -1, -1), x), 1)
        elif self.selector == 'random':
            keep = keep_counts(list(rates.values()), counts, protected)
            if [k + p for k, p in zip(keep, protected)] != counts:
                noise = torch.rand(ids.shape, device=x.device)
                x, ids, valid = drop_tokens(x, ids, valid, noise, keep,
                                            num_protected)
            rates = {}
        maps = []
        for i in range(len(self.blocks)):
            keep = None
            if i in rates:
                keep = keep_counts([rates[i]], counts, protected)
                left = [k + p for k, p in zip(keep, protected)]
                keep, counts = (None if left == counts else keep), left
            args = (i, x, ids, valid, keep, num_protected, spot, key, [])
            if self.with_cp[i] and torch.is_grad_enabled():
                x, ids, valid = checkpoint(
                    self._run_block, *args, use_reentrant=False)
            else:
                x, ids, valid = self._run_block(*args)
            if i in self.out_indices:
                maps.append(
                    keyframe_map(x, ids, grid, key, num_protected > 0, valid,
                                 self.map_scales[len(maps)]))
        tokens = self.norm(x[:, x.size(1) - ids.size(1):])
        masks = padding and padding.level_masks(self.map_scales)
        return VideoTokens(tokens, ids, num_protected, grid, tuple(maps),
                           valid, padding, masks)
