# Copyright (c) mmevad authors. All rights reserved.
"""Backbone of EVAD with the attention map of every block in memory."""
import math
from typing import List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class PlainTokens(NamedTuple):
    """What the backbone returns.

    Attributes:
        tokens (Tensor): (B, N', C), the keyframe's first.
        ids (Tensor): (B, N' - N1) places of the others in the full map, in
            descending order of importance.
        grid (tuple[int]): (t, h, w).
        key (int): The keyframe's time slice.
        maps (list[Tensor]): (B, C, h_l, w_l), of the keyframe.
    """
    tokens: Tensor
    ids: Tensor
    grid: Tuple[int, int, int]
    key: int
    maps: List[Tensor]


def attention(attn: nn.Module, x: Tensor) -> Tuple[Tensor, Tensor]:
    """(B, N, C) -> (B, N, C) and the map (B, heads, N, N)."""
    batch, num, dims = x.shape
    bias = torch.cat((attn.q_bias, torch.zeros_like(attn.q_bias), attn.v_bias))
    qkv = F.linear(x, attn.qkv.weight, bias)
    qkv = qkv.reshape(batch, num, 3, attn.num_heads, -1)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    weights = (q * attn.scale @ k.transpose(-2, -1)).softmax(-1)
    out = (weights.to(v.dtype) @ v).transpose(1, 2)
    return attn.proj(out.reshape(batch, num, dims)), weights


def feed_forward(block: nn.Module, x: Tensor) -> Tensor:
    """The second half of a block: (B, N, C) -> (B, N, C)."""
    first, second = block.mlp.layers[0][0], block.mlp.layers[1]
    return x + block.drop_path(second(F.gelu(first(block.norm2(x)))))


def plain_block(block: nn.Module, x: Tensor) -> Tensor:
    """Pre-norm transformer block: (B, N, C) -> (B, N, C)."""
    x = x + block.drop_path(attention(block.attn, block.norm1(x))[0])
    return feed_forward(block, x)


def position_table(position: nn.Module, grid: Tuple[int, int, int]) -> Tensor:
    """Table (1, t*h*w, C), resized slice by slice."""
    slices, height, width = position.grid
    table = position.table
    if (height, width) == tuple(grid[1:]):
        return table
    table = table.reshape(slices, height, width, -1).permute(0, 3, 1, 2)
    table = F.interpolate(
        table, size=grid[1:], mode='bicubic', align_corners=False)
    return table.permute(0, 2, 3, 1).flatten(0, 2)[None]


class PlainBackbone(nn.Module):
    """Follows ``KeyframeTokenPruneViT`` with the selector ``gap``.

    Args:
        vit (KeyframeTokenPruneViT): Whose weights are used.
    """

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        if vit.selector != 'gap' or vit.mask_padding:
            raise ValueError("the plain backbone has the selector 'gap' and "
                             'no mask of padding')
        self.vit = vit

    def forward(self, clip: Tensor) -> PlainTokens:
        """Clip (B, 3, T, H, W) -> tokens and maps."""
        vit = self.vit
        conv = vit.patch_embed.projection
        x = F.conv3d(clip, conv.weight, conv.bias, conv.stride)
        batch, dims, *grid = x.shape
        x = x.flatten(2).transpose(1, 2) + position_table(vit.position, grid)
        key = vit.keyframe_index
        key = grid[0] // 2 if key is None else key
        spot = grid[1] * grid[2]
        slices = x.reshape(batch, grid[0], spot, dims)
        others = [t for t in range(grid[0]) if t != key]
        x = torch.cat((slices[:, key], slices[:, others].flatten(1, 2)), 1)
        places = torch.arange(
            grid[0] * spot, device=x.device).reshape(grid[0], spot)
        ids = places[others].flatten()[None].repeat(batch, 1)
        maps = []
        for i, block in enumerate(vit.blocks):
            rate = vit.keep_rates.get(i)
            if vit.with_cp[i] and torch.is_grad_enabled():
                x, ids = checkpoint(
                    self._block, block, x, ids, rate, use_reentrant=False)
            else:
                x, ids = self._block(block, x, ids, rate)
            if i in vit.out_indices:
                part = x[:, :spot].transpose(1, 2).reshape(
                    batch, dims, *grid[1:])
                scale = vit.map_scales[len(maps)]
                maps.append(F.interpolate(part, scale_factor=float(scale)))
        return PlainTokens(vit.norm(x), ids, tuple(grid), key, maps)

    def _block(self, block: nn.Module, x: Tensor, ids: Tensor,
               rate: Optional[float]) -> Tuple[Tensor, Tensor]:
        out, weights = attention(block.attn, block.norm1(x))
        x = x + block.drop_path(out)
        protected = x.size(1) - ids.size(1)
        if rate is not None:
            keep = math.ceil(rate * x.size(1)) - protected
            if keep < ids.size(1):
                x, ids = self._prune(x, ids, weights.detach(), keep)
        return feed_forward(block, x), ids

    def _prune(self, x: Tensor, ids: Tensor, weights: Tensor,
               keep: int) -> Tuple[Tensor, Tensor]:
        protected = x.size(1) - ids.size(1)
        if self.vit.keyframe_weight != 1:
            weights = weights.clone()
            weights[:, :, :protected] *= self.vit.keyframe_weight
        importance = weights[:, :, :, protected:].mean(1).mean(1)
        index = importance.topk(keep).indices
        rest = torch.gather(x[:, protected:], 1,
                            index[..., None].expand(-1, -1, x.size(2)))
        return torch.cat((x[:, :protected], rest), 1), ids.gather(1, index)
