# Copyright (c) mmevad authors. All rights reserved.
"""Pyramid, query stages and context decoder of EVAD, image by image."""
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .evad_backbone import PlainTokens, plain_block, position_table
from .roi_align import roi_align


class PlainFPN(nn.Module):
    """Follows ``KeyframeFPN``."""

    def __init__(self, neck: nn.Module) -> None:
        super().__init__()
        self.fpn = neck

    def forward(self, maps: List[Tensor]) -> List[Tensor]:
        """Maps (B, C, h_l, w_l) -> (B, D, h_l, w_l), finest first."""
        levels = [
            F.conv2d(x, layer.conv.weight, layer.conv.bias)
            for layer, x in zip(self.fpn.lateral_convs, maps)
        ]
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + F.interpolate(
                levels[i], scale_factor=2.)
        return [
            F.conv2d(x, layer.conv.weight, layer.conv.bias, padding=1)
            for layer, x in zip(self.fpn.fpn_convs, levels)
        ]


class PyramidPool(nn.Module):
    """RoIs of all images from the levels that suit their size."""

    def forward(self, maps: List[Tensor], boxes: List[Tensor], size: int,
                strides: List[int]) -> Tensor:
        """Boxes (n, 4) of each image -> (B*n, C, size, size)."""
        rois = torch.cat([
            torch.cat((torch.full_like(box[:, :1], i), box), 1)
            for i, box in enumerate(boxes)
        ])
        area = (rois[:, 3] - rois[:, 1]) * (rois[:, 4] - rois[:, 2])
        level = torch.floor(4 + torch.log2(area.sqrt() / 224 + 1e-8))
        level = level.clamp(2, len(maps) + 1).long() - 2
        out = rois.new_zeros((len(rois), maps[0].size(1), size, size))
        for i, (x, stride) in enumerate(zip(maps, strides)):
            chosen = torch.nonzero(level == i).flatten()
            out[chosen] = roi_align(x, rois[chosen], size, 1 / stride)
        return out


def dynamic_interaction(conv: nn.Module, query: Tensor, roi: Tensor) -> Tensor:
    """Each RoI (K, C, 7, 7) through layers made from its query (K, C)."""
    num, dims = query.shape
    inner = conv.norm_in.normalized_shape[0]
    params = conv.dynamic_layer(query)
    first = params[:, :dims * inner].reshape(num, dims, inner)
    second = params[:, dims * inner:].reshape(num, inner, dims)
    x = roi.flatten(2).transpose(1, 2)
    x = F.relu(conv.norm_in(torch.bmm(x, first)))
    x = F.relu(conv.norm_out(torch.bmm(x, second)))
    return F.relu(conv.fc_norm(conv.fc_layer(x.flatten(1))))


def refine(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes (n, 4) of one image moved and scaled by deltas (n, 4)."""
    deltas = deltas.float()
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    x = boxes[:, 0] + 0.5 * width + deltas[:, 0] / 2 * width
    y = boxes[:, 1] + 0.5 * height + deltas[:, 1] / 2 * height
    most = math.log(100000 / 16)
    width = width * deltas[:, 2].clamp(max=most).exp()
    height = height * deltas[:, 3].clamp(max=most).exp()
    return torch.stack(
        (x - 0.5 * width, y - 0.5 * height, x + 0.5 * width, y + 0.5 * height),
        1)


class PlainActorHead(nn.Module):
    """Follows ``QueryActorHead``."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.pool = PyramidPool()
        extractor = head.roi_extractor
        self.strides = list(extractor.featmap_strides)
        self.size = extractor.roi_size

    def forward(self, maps: List[Tensor],
                whwh: Tensor) -> List[Tuple[Tensor, Tensor]]:
        """Logits (B, n, 2) and boxes (B, n, 4) of every stage."""
        proposals = self.head.proposal_boxes.weight
        centre, half = proposals[:, :2], proposals[:, 2:] / 2
        proposals = torch.cat((centre - half, centre + half), 1)
        boxes = [proposals * size for size in whwh]
        query = self.head.proposal_features.weight[None].repeat(
            len(whwh), 1, 1)
        outputs = []
        for stage in self.head.stages:
            rois = self.pool(maps, [box.detach() for box in boxes], self.size,
                             self.strides)
            logits, deltas, query = self._stage(stage, rois, query)
            if outputs:
                boxes = [box.detach() for box in boxes]
            boxes = [refine(box, delta) for box, delta in zip(boxes, deltas)]
            outputs.append((logits, torch.stack(boxes)))
        return outputs

    @staticmethod
    def _stage(stage: nn.Module, rois: Tensor,
               query: Tensor) -> Tuple[Tensor, ...]:
        """RoIs (B*n, C, 7, 7), queries (B, n, C) -> logits, deltas,
        queries."""
        batch, num, dims = query.shape
        x = query.permute(1, 0, 2)
        x = stage.attention_norm(x + stage.attention.attn(x, x, x)[0])
        x = x.permute(1, 0, 2).reshape(batch * num, dims)
        x = x + dynamic_interaction(stage.instance_interactive_conv, x, rois)
        x = stage.instance_interactive_conv_norm(x)
        first, second = stage.ffn.layers[0][0], stage.ffn.layers[1]
        x = stage.ffn_norm(x + second(F.relu(first(x))))
        logits, deltas = x, x
        for layer in stage.cls_fcs:
            logits = layer(logits)
        for layer in stage.reg_fcs:
            deltas = layer(deltas)
        return (stage.fc_cls(logits).reshape(batch, num, -1),
                stage.fc_reg(deltas).reshape(batch, num,
                                             -1), x.reshape(batch, num, dims))


class SlicePool(nn.Module):
    """Actor features: maximum of the RoI in each time slice, mean of all."""

    def forward(self, full: Tensor, boxes: Tensor, size: int,
                scale: float) -> Tensor:
        """Map (t, h, w, C) and boxes (n, 4) of one image -> (n, C)."""
        rois = F.pad(boxes, (1, 0))
        pooled = [
            roi_align(part.permute(2, 0, 1)[None], rois, size, scale).amax(
                (2, 3)) for part in full
        ]
        return torch.stack(pooled).mean(0)


class PlainDecoder(nn.Module):
    """Follows ``ContextRefineDecoder``."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder
        self.pool = SlicePool()

    def _remap(self, tokens: Tensor, ids: Tensor, grid: Tuple[int, int, int],
               key: int) -> Tuple[Tensor, Tensor]:
        """Tokens (N', C) of one image -> map (t, h, w, C), tokens."""
        decoder, spot = self.decoder, grid[1] * grid[2]
        places, order = ids.sort()
        front = len(tokens) - len(ids)
        if decoder.token_order == 'position':
            tokens = torch.cat((tokens[:front], tokens[front:][order]))
        first = torch.arange(spot, device=ids.device) + key * spot
        places = torch.cat((first, places))
        full = tokens.new_zeros((grid[0] * spot, tokens.size(1)))
        if decoder.mask_token is not None:
            full = full + decoder.mask_token[0].to(tokens.dtype)
        full[places] = tokens
        if decoder.position is not None:
            table = position_table(decoder.position, grid)[0]
            full, tokens = full + table, tokens + table[places]
        return full.reshape(*grid, -1), tokens

    def _extend(self, boxes: Tensor, whwh: Tensor) -> Tensor:
        """Boxes (n, 4) of one image with context around them."""
        share_x, share_y = self.decoder.roi_extension
        pad_x = share_x * (boxes[:, 2] - boxes[:, 0] + 1) / 2
        pad_y = share_y * (boxes[:, 3] - boxes[:, 1] + 1) / 2
        width, height = (whwh[:2] - 1).tolist()
        return torch.stack(((boxes[:, 0] - pad_x).clamp(0, width),
                            (boxes[:, 1] - pad_y).clamp(0, height),
                            (boxes[:, 2] + pad_x).clamp(0, width),
                            (boxes[:, 3] + pad_y).clamp(0, height)), 1)

    def forward(self, video: PlainTokens, boxes: Tensor,
                whwh: Tensor) -> List[Tensor]:
        """Action logits (B, n, classes) after every block."""
        decoder = self.decoder
        layer = decoder.roi_align
        rows = []
        for tokens, ids, box, size in zip(
                decoder.projection(video.tokens), video.ids, boxes.detach(),
                whwh):
            full, tokens = self._remap(tokens, ids, video.grid, video.key)
            actors = self.pool(full, self._extend(box, size),
                               layer.output_size[0], layer.spatial_scale)
            rows.append(torch.cat((tokens, actors.to(tokens.dtype))))
        x, logits = torch.stack(rows), []
        for block, classify, with_cp in zip(decoder.blocks,
                                            decoder.classifiers,
                                            decoder.with_cp):
            if with_cp and torch.is_grad_enabled():
                x = checkpoint(plain_block, block, x, use_reentrant=False)
            else:
                x = plain_block(block, x)
            logits.append(classify(x[:, -boxes.size(1):]))
        return logits
