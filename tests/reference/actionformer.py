# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer (arXiv 2202.07925) as released: conv1d over (B, C, T)."""
from typing import Dict, List, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .actionformer_losses import losses, targets
from .sliding_window import sliding_attention

Pair = Tuple[Tensor, Tensor]


def masked_conv(conv: nn.Module, x: Tensor, mask: Tensor) -> Pair:
    """(B, C, T) and mask (B, 1, T) -> (B, O, T / stride) and its mask."""
    stride, size = conv.stride[0], conv.kernel_size[0]
    x = F.conv1d(x, conv.weight, conv.bias, stride, size // 2, 1, conv.groups)
    if stride > 1:
        mask = F.interpolate(mask.to(x.dtype), size=x.size(2)).bool()
    return x * mask.to(x.dtype), mask


def channel_norm(norm: nn.Module, x: Tensor) -> Tensor:
    """LN over the channels of (B, C, T)."""
    rest = x - x.mean(1, keepdim=True)
    variance = (rest**2).mean(1, keepdim=True)
    out = rest / torch.sqrt(variance + norm.eps)
    return out * norm.weight[:, None] + norm.bias[:, None]


def pointwise(linear: nn.Linear, x: Tensor) -> Tensor:
    """Linear layer as a convolution over (B, C, T)."""
    return F.conv1d(x, linear.weight[..., None], linear.bias)


def global_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention (B, h, T, d) to all valid keys; mask (B, 1, T)."""
    scores = q @ k.transpose(2, 3)
    scores = scores.masked_fill(~mask[:, :, None], float('-inf'))
    return scores.softmax(-1).to(v.dtype) @ (v * mask[..., None])


def masked_attention(attn: nn.Module, x: Tensor, mask: Tensor) -> Pair:
    """Follows ``MaskedAttention``."""
    batch, dims, _ = x.shape
    parts = []
    for name in ('query', 'key', 'value'):
        part, part_mask = masked_conv(getattr(attn, f'{name}_conv'), x, mask)
        part = channel_norm(getattr(attn, f'{name}_norm'), part)
        part = pointwise(getattr(attn, name), part)
        part = part.reshape(batch, attn.num_heads, -1, part.size(2))
        parts.append(part.transpose(2, 3))
    q, k, v = parts
    q = q * q.size(3)**-0.5
    if attn.window > 1:
        out = sliding_attention(q, k, v, part_mask, attn.window)
    else:
        out = global_attention(q, k, v, part_mask)
    out = out.transpose(2, 3).reshape(batch, dims, -1)
    return pointwise(attn.proj, out) * part_mask.to(out.dtype), part_mask


def scaled(branch: nn.Module, x: Tensor) -> Tensor:
    """Learned scale and stochastic depth of a residual branch."""
    if not hasattr(branch, 'scale'):
        return x
    if branch.training and branch.drop_prob > 0:
        keep = 1 - branch.drop_prob
        x = x * (torch.rand(len(x), 1, 1, device=x.device) < keep) / keep
    return x * branch.scale[:, None]


def transformer_block(block: nn.Module, x: Tensor, mask: Tensor) -> Pair:
    """Follows ``TransformerBlock``."""
    out, out_mask = masked_attention(block.attn, channel_norm(block.norm1, x),
                                     mask)
    skip = F.max_pool1d(x, 3, 2, 1) if block.stride > 1 else x
    valid = out_mask.to(out.dtype)
    x = skip * valid + scaled(block.drop_path1, out)
    first, second = block.mlp.layers[0][0], block.mlp.layers[1]
    out = channel_norm(block.norm2, x)
    out = pointwise(second, F.gelu(pointwise(first, out)))
    return x + scaled(block.drop_path2, out * valid), out_mask


class PlainActionFormer(nn.Module):
    """Gives what ``ActionFormer`` gives, from the same weights.

    Args:
        model (ActionFormer): Transformer blocks, no position, neck
            ``identity``, released masks, no dropout.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        neck, pyramid = model.neck, model.neck.backbone
        convs = any(not hasattr(block, 'attn')
                    for block in (*pyramid.stem, *pyramid.branch))
        other = (
            neck.strict_mask or convs or neck.use_abs_pe
            or any(block.attn.rel_pe is not None
                   for block in pyramid.stem) or hasattr(neck.fpn, 'laterals')
            or pyramid.projection.streams is not None)
        if other:
            raise ValueError('the plain ActionFormer has transformer blocks, '
                             "the neck 'identity' and no positions")
        self.model = model

    def batch(self, inputs: Sequence[Tensor], length: int) -> Pair:
        """Features (C, T_i) -> (B, C, length) and mask (B, 1, length)."""
        x = torch.stack(
            [F.pad(feats, (0, length - feats.size(1))) for feats in inputs])
        lengths = torch.tensor([feats.size(1) for feats in inputs])
        mask = torch.arange(length) < lengths[:, None]
        return x, mask[:, None].to(x.device)

    def test_length(self, length: int) -> int:
        """What a test video is padded to."""
        neck = self.model.neck
        if length <= neck.max_seq_len:
            return neck.max_seq_len
        multiple = max(
            stride * max(window // 2 * 2, 1)
            for stride, window in zip(neck.strides, neck.backbone.windows))
        return -(-length // multiple) * multiple

    def pyramid(self, x: Tensor, mask: Tensor) -> List[Pair]:
        """Levels (B, D, T_l) and masks (B, 1, T_l)."""
        neck, backbone = self.model.neck, self.model.neck.backbone
        projection = backbone.projection
        for conv, norm in zip(projection.convs, projection.norms):
            x, mask = masked_conv(conv, x, mask)
            x = F.relu(channel_norm(norm, x))
        levels = []
        for i, block in enumerate((*backbone.stem, *backbone.branch)):
            x, mask = transformer_block(block, x, mask)
            if i >= backbone.first_level:
                levels.append((x, mask))
        return [(channel_norm(norm, x), mask)
                for norm, (x, mask) in zip(neck.fpn.norms, levels)]

    @staticmethod
    def tower(tower: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
        """One branch of the head on one level -> (B, T_l, O)."""
        for conv, norm in zip(tower.convs, tower.norms):
            x = masked_conv(conv, x, mask)[0]
            if isinstance(norm, nn.LayerNorm):
                x = channel_norm(norm, x)
            x = F.relu(x)
        return masked_conv(tower.out, x, mask)[0].transpose(1, 2)

    def heads(self,
              levels: List[Pair]) -> Tuple[List[Tensor], List[Tensor], List]:
        """Logits (B, T_l, C), distances (B, T_l, 2) and masks (B, 1, T_l) of
        each level."""
        head = self.model.head
        logits = [self.tower(head.cls_tower, *level) for level in levels]
        distances = [
            F.relu(self.tower(head.reg_tower, *level) * scale.scale)
            for scale, level in zip(head.scales, levels)
        ]
        return logits, distances, [mask for _, mask in levels]

    def forward(
            self, inputs: Sequence[Tensor]
    ) -> Tuple[List[Tensor], List[Tensor], List]:
        """Features (C, T) of one test video -> :meth:`heads`."""
        feats, = inputs
        x, mask = self.batch(inputs, self.test_length(feats.size(1)))
        return self.heads(self.pyramid(x, mask))

    def points(self, logits: List[Tensor]) -> List[Tensor]:
        """(T_l, 4) time, least and greatest distance, stride."""
        generator = self.model.head.point_generator
        points = []
        for x, stride, (low, high) in zip(logits, generator.strides,
                                          generator.regress_ranges):
            time = torch.arange(x.size(1), device=x.device) * float(stride)
            rest = torch.tensor([low, high, stride], device=x.device)
            rest = rest.expand(x.size(1), 3)
            points.append(torch.cat((time[:, None], rest), 1))
        return points

    def loss(self, inputs: Sequence[Tensor], segments: Sequence[Tensor],
             labels: Sequence[Tensor]) -> Dict[str, Tensor]:
        """Losses of a training batch, padded to ``max_seq_len``.

        Args:
            inputs (list[Tensor]): Features (C, T_i).
            segments (list[Tensor]): (N, 2) on the grid, N > 0.
            labels (list[Tensor]): (N, ).
        """
        head = self.model.head
        x, mask = self.batch(inputs, self.model.neck.max_seq_len)
        logits, distances, masks = self.heads(self.pyramid(x, mask))
        points = torch.cat(self.points(logits))
        wanted = [
            targets(points, *gt, head.num_classes, head.center_sample_radius)
            for gt in zip(segments, labels)
        ]
        classes, goal = (torch.stack(part) for part in zip(*wanted))
        return losses(head, torch.cat(logits, 1), torch.cat(distances, 1),
                      torch.cat(masks, 2)[:, 0], classes, goal)
