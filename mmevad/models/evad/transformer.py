# Copyright (c) mmevad authors. All rights reserved.
"""The pre-norm transformer block shared by backbone and context decoder."""
from typing import Any, Callable, List, Optional, Tuple

import torch
import torch.nn.functional as F
from mmaction.models.backbones.vit_mae import get_sinusoid_encoding
from mmaction.utils import ConfigType, OptConfigType
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks import DropPath
from mmcv.cnn.bricks.transformer import FFN
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmevad.utils.ranges import require_multiple, require_sizes
from ..activations import GELU


class Attention(BaseModule):
    """Multi-head self-attention with learned q and v biases (none on k).

    Parameter names are those of mmaction2's ``vit_mae.Attention``.

    Args:
        embed_dims (int): Width C.
        num_heads (int): Heads.
        qkv_bias (bool): Learn a bias for q and v. Defaults to True.
        drop_rate (float): Dropout of the output. Defaults to 0.
    """

    def __init__(self,
                 embed_dims: int,
                 num_heads: int,
                 qkv_bias: bool = True,
                 drop_rate: float = 0.) -> None:
        super().__init__()
        require_sizes(embed_dims=embed_dims, num_heads=num_heads)
        require_multiple(embed_dims=embed_dims, num_heads=num_heads)
        self.num_heads = num_heads
        self.scale = (embed_dims // num_heads)**-0.5
        self.qkv = nn.Linear(embed_dims, embed_dims * 3, bias=False)
        if qkv_bias:
            self.q_bias = nn.Parameter(torch.zeros(embed_dims))
            self.v_bias = nn.Parameter(torch.zeros(embed_dims))
        self.proj = nn.Linear(embed_dims, embed_dims)
        self.proj_drop = nn.Dropout(drop_rate)

    def forward(
        self,
        x: Tensor,
        key_mask: Optional[Tensor] = None,
        attention: Optional[Callable] = None
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Attend.

        Args:
            x (Tensor): (B, N, C).
            key_mask (Tensor, optional): (B, N), False for tokens that nobody
                may attend to. Defaults to None.
            attention (callable, optional): Takes q, k, v (B, heads, N, d),
                the scale and ``key_mask`` and returns the output
                (B, heads, N, d) and the importance of every token. Defaults
                to fused attention, without importance.

        Returns:
            tuple: Output (B, N, C) and the importance, or None.
        """
        bias = None
        if hasattr(self, 'q_bias'):
            bias = torch.cat(
                (self.q_bias, torch.zeros_like(self.v_bias), self.v_bias))
        qkv = F.linear(x, self.qkv.weight, bias)
        qkv = qkv.unflatten(-1, (3, self.num_heads, -1))
        qkv = qkv.permute(2, 0, 3, 1, 4)
        if x.device.type == 'cpu' and qkv.dtype == torch.float32:
            # saves its kernel 10 to 20 % on rows that lie far apart
            qkv = qkv.contiguous()
        q, k, v = qkv
        if attention is not None:
            out, importance = attention(q, k, v, self.scale, key_mask)
        else:
            mask = None if key_mask is None else key_mask[:, None, None]
            out, importance = F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, scale=self.scale), None
        out = self.proj(out.transpose(1, 2).flatten(2))
        return self.proj_drop(out), importance


class Block(BaseModule):
    """Pre-norm transformer block: attention, then FFN, each residual.

    Parameter names are those of mmaction2's ``vit_mae.Block``. The two halves
    are methods of their own, because pruning happens between them.

    Args:
        embed_dims (int): Width C.
        num_heads (int): Heads.
        mlp_ratio (float): FFN width over C. Defaults to 4.
        qkv_bias (bool): Learn a bias for q and v. Defaults to True.
        drop_rate (float): Dropout after the attention's and the FFN's last
            linear layer. Defaults to 0.
        drop_path_rate (float): Stochastic depth. Defaults to 0.
        norm_cfg (dict): Defaults to LayerNorm with eps 1e-6.
        init_cfg (dict, optional): mmengine initialisation.
    """

    def __init__(self,
                 embed_dims: int,
                 num_heads: int,
                 mlp_ratio: float = 4.,
                 qkv_bias: bool = True,
                 drop_rate: float = 0.,
                 drop_path_rate: float = 0.,
                 norm_cfg: ConfigType = dict(type='LN', eps=1e-6),
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.norm1 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.attn = Attention(embed_dims, num_heads, qkv_bias, drop_rate)
        self.drop_path = (
            DropPath(drop_path_rate) if drop_path_rate else nn.Identity())
        self.norm2 = build_norm_layer(norm_cfg, embed_dims)[1]
        self.mlp = FFN(
            embed_dims=embed_dims,
            feedforward_channels=int(embed_dims * mlp_ratio),
            act_cfg=dict(type=GELU),
            ffn_drop=0.,
            add_identity=False)
        self.mlp_drop = nn.Dropout(drop_rate)

    def attend(
        self,
        x: Tensor,
        key_mask: Optional[Tensor] = None,
        attention: Optional[Callable] = None
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """First half: tokens (B, N, C) -> tokens, importance or None."""
        out, importance = self.attn(self.norm1(x), key_mask, attention)
        return x + self.drop_path(out), importance

    def feed_forward(self, x: Tensor) -> Tensor:
        """Second half: tokens (B, N, C) -> tokens (B, N, C).

        Overwrites ``x`` without gradients: new memory is slow on a CPU.
        """
        out = self.drop_path(self.mlp_drop(self.mlp(self.norm2(x))))
        return x + out if torch.is_grad_enabled() else x.add_(out)

    def forward(self, x: Tensor, key_mask: Optional[Tensor] = None) -> Tensor:
        """Both halves: tokens (B, N, C) -> tokens (B, N, C)."""
        return self.feed_forward(self.attend(x, key_mask)[0])


def maybe_checkpoint(with_cp: bool, block: Callable, *args: Any) -> Any:
    """Call a block, with activation checkpointing where gradients are taken.

    Args:
        with_cp (bool): Whether to run it again for its gradients, instead of
            keeping what they need.
        block (callable): The block.
        *args: Its arguments.
    """
    if with_cp and torch.is_grad_enabled():
        return checkpoint(block, *args, use_reentrant=False)
    return block(*args)


def embed_cubes(clip: Tensor, conv: nn.Conv3d) -> Tensor:
    """Cubes of a clip as tokens, by one matrix product.

    Args:
        clip (Tensor): (B, 3, T, H, W), whole multiples of the cubes.
        conv (nn.Conv3d): Its kernel is the cube and its stride, which makes
            it a linear layer; as a convolution it is slower, above all in
            half precision.

    Returns:
        Tensor: (B, t*h*w, C), t-major.
    """
    for dim, side in zip((2, 4, 6), conv.kernel_size):
        clip = clip.unflatten(dim, (-1, side))
    cubes = clip.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(1, 3)
    return F.linear(cubes, conv.weight.flatten(1), conv.bias)


class SineCosinePosition(nn.Module):
    """Fixed sine-cosine table over the (t, h, w) places of a grid.

    The table of the pretraining grid is resized per time slice (bicubic) to
    the grid at hand. It is recomputed, not stored in checkpoints.

    Args:
        embed_dims (int): Width C.
        grid (tuple[int]): (t, h, w) of the pretraining grid.
    """

    def __init__(self, embed_dims: int, grid: Tuple[int, int, int]) -> None:
        super().__init__()
        self.grid = tuple(grid)
        table = get_sinusoid_encoding(grid[0] * grid[1] * grid[2], embed_dims)
        self.register_buffer('table', table, persistent=False)

    def forward(self,
                grid: Tuple[int, int, int],
                own_grids: Optional[List[Tuple[int, int]]] = None) -> Tensor:
        """Table of a grid.

        Args:
            grid (tuple[int]): (t, h, w).
            own_grids (list[tuple[int]], optional): See :meth:`padded`.

        Returns:
            Tensor: (1, t*h*w, C), t-major; of each clip, (B, t*h*w, C), with
            ``own_grids``.

        Raises:
            ValueError: If t differs from the pretraining grid's.
        """
        if own_grids is not None:
            return self.padded(own_grids, grid)
        slices, height, width = self.grid
        if grid[0] != slices:
            raise ValueError(
                f'the clip has {grid[0]} time slices but the position table '
                f'was made for {slices}; set num_frames of the model to the '
                'length of the clips')
        if tuple(grid) == self.grid:
            return self.table
        table = self.table.view(slices, height, width, -1).permute(0, 3, 1, 2)
        table = F.interpolate(
            table, size=grid[1:], mode='bicubic', align_corners=False)
        return table.permute(0, 2, 3, 1).reshape(1, -1, self.table.size(-1))

    def padded(self, grids: List[Tuple[int, int]], grid: Tuple[int, int,
                                                               int]) -> Tensor:
        """Tables of clips of different sizes on one common grid.

        Args:
            grids (list[tuple[int]]): (h, w) of each clip's own grid.
            grid (tuple[int]): The common grid, (t, h, w).

        Returns:
            Tensor: (B, t*h*w, C), zero outside each clip's own grid.
        """
        slices, height, width = grid
        tables = []
        for own in grids:
            table = self((slices, *own)).view(slices, *own, -1)
            pad = (0, 0, 0, width - own[1], 0, height - own[0])
            tables.append(F.pad(table, pad).flatten(0, 2))
        return torch.stack(tables)
