# Copyright (c) mmevad authors. All rights reserved.
"""Blocks of the temporal pyramid, over (B, T, D)."""
from typing import Callable, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import MaskedAttention
from .layers import MLP, MaskedConv1d, ScaledResidual, every


def max_pool(x: Tensor) -> Tensor:
    """Max-pool over three frames, stride 2: (B, T, D) -> (B, T/2, D)."""
    # in 2-D, since that keeps (B, T, D) in memory
    x = F.max_pool2d(x.transpose(1, 2)[:, :, None], (1, 3), (1, 2), (0, 1))
    return x.squeeze(2).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Pre-norm transformer block that can halve the rate.

    ActionFormer (arXiv 2202.07925), Sec. 3.2: ``x' = pool(x) + s1 *
    attention(LN(x))``, ``x'' = x' + s2 * mlp(LN(x'))``. The learned scales
    ``s1``, ``s2`` exist where drop path is on.

    Args:
        embed_dims (int): D.
        num_heads (int): h.
        window (int): Attention window; 1 or less for global attention.
        stride (int): 1 or 2. Defaults to 1.
        use_rel_pe (bool): Relative position bias. Defaults to False.
        dropout (float): After the linear layers of the MLP and the output
            projection. Defaults to 0.
        drop_path_rate (float): Defaults to 0.
        strict_mask (bool): Keep padding out of everything. Defaults to
            False.
        with_cp (bool): Keep only the block's input and what its branches
            add for the backward pass, and compute the rest again. Defaults
            to False.
    """

    def __init__(self,
                 embed_dims: int,
                 num_heads: int,
                 window: int,
                 stride: int = 1,
                 use_rel_pe: bool = False,
                 dropout: float = 0.,
                 drop_path_rate: float = 0.,
                 strict_mask: bool = False,
                 with_cp: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.strict_mask = strict_mask
        self.with_cp = with_cp
        self.dropout = dropout
        self.norm1 = nn.LayerNorm(embed_dims)
        self.attn = MaskedAttention(embed_dims, num_heads, window, stride,
                                    use_rel_pe, dropout)
        self.norm2 = nn.LayerNorm(embed_dims)
        # checkpointing stops short of the last layer, unless it is one of ours
        self.mlp = MLP(embed_dims, dropout, recompute=not with_cp)
        if drop_path_rate > 0:
            self.drop_path1 = ScaledResidual(embed_dims, drop_path_rate)
            self.drop_path2 = ScaledResidual(embed_dims, drop_path_rate)
        else:
            self.drop_path1 = self.drop_path2 = torch.add

    def forward(self, x: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        """Transform.

        Args:
            x (Tensor): (B, T, D).
            mask (Tensor): (B, T, 1) bool, False for padding.

        Returns:
            tuple: (B, T / stride, D), zero for padding, and its mask.
        """
        attended = self._run(self._attend, x, mask)
        if self.stride > 1:
            if self.strict_mask:
                x = x.masked_fill(~mask, float('-inf'))
            x = max_pool(x)
            mask = every(mask, self.stride)
            if self.strict_mask:
                x = x.masked_fill(~mask, 0)  # max-pooling may find nothing
        x = self.drop_path1(x, attended)
        x = self.drop_path2(x, self._run(self._transform, x))
        # until here no frame has seen what padding holds
        return x.mul_(mask), mask

    def _attend(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.norm1(x)
        if self.strict_mask:
            x = x * mask
        return self.attn(x, every(mask, self.stride))

    def _transform(self, x: Tensor) -> Tensor:
        return self.mlp(self.norm2(x))

    def _run(self, branch: Callable, *args: Tensor) -> Tensor:
        if not (self.with_cp and torch.is_grad_enabled()):
            return branch(*args)
        return checkpoint(
            branch,
            *args,
            use_reentrant=False,
            preserve_rng_state=self.dropout > 0)


class ConvBlock(nn.Module):
    """Residual block of two convolutions that can halve the rate.

    The ablation of the paper: a pyramid without attention.

    Args:
        embed_dims (int): D.
        stride (int): 1 or 2. Defaults to 1.
        expansion (int): Width between the convolutions over D. Defaults to
            2.
    """

    def __init__(self,
                 embed_dims: int,
                 stride: int = 1,
                 expansion: int = 2) -> None:
        super().__init__()
        self.stride = stride
        width = embed_dims * expansion
        self.conv1 = MaskedConv1d(embed_dims, width, 3, stride=stride)
        self.conv2 = MaskedConv1d(width, embed_dims, 3)
        self.downsample = None
        if stride > 1:
            self.downsample = MaskedConv1d(
                embed_dims, embed_dims, 1, stride=stride)

    def forward(self, x: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        """As :meth:`TransformerBlock.forward`."""
        mask = every(mask, self.stride)
        skip = x if self.downsample is None else self.downsample(x, mask)
        out = self.conv2(self.conv1(x, mask).relu(), mask)
        return (skip + out).relu(), mask
