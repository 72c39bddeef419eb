# Copyright (c) mmevad authors. All rights reserved.
"""ContextRefineDecoder: actors + surviving tokens -> actions."""
from typing import Dict, List, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmevad.utils.ranges import (MAX_DEPTH, MAX_WEIGHTS, require_at_least,
                                 require_between, require_sizes, require_total)
from .boxes import extend_boxes
from .checks import check_transformer, per_block, token_grid
from .matching import Matches
from .roi_align import SliceRoIAlign
from .structures import VideoTokens
from .token_pruning import order_tokens, restore_tokens
from .transformer import Block, SineCosinePosition, maybe_checkpoint

FILLS = ('mask_token', 'zero')
TOKEN_ORDERS = ('position', 'importance')


class ActionClassifier(nn.Sequential):
    """(Linear without bias, LayerNorm, ReLU) x num_fcs, then Linear."""

    def __init__(self, embed_dims: int, channels: int, num_fcs: int,
                 num_classes: int) -> None:
        layers, width = [], embed_dims
        for _ in range(num_fcs):
            layers += [
                nn.Linear(width, channels, bias=False),
                nn.LayerNorm(channels),
                nn.ReLU(inplace=True)
            ]
            width = channels
        super().__init__(*layers, nn.Linear(width, num_classes))


@MODELS.register_module()
class ContextRefineDecoder(BaseModule):
    """Refine actor features by the context that survived pruning.

    EVAD (arXiv 2304.08451), Sec. 3.4: surviving tokens return to their
    places, actors are pooled from every time slice, and both attend to each
    other in a few transformer blocks, each with a classifier of its own.

    Args:
        in_channels (int): Width of the backbone. Defaults to 768.
        embed_dims (int): C_d. Defaults to 384.
        depth (int): Blocks. Defaults to 6.
        num_heads (int): Attention heads of a block. Defaults to 6.
        num_classes (int): Actions, without background. Defaults to 80.
        mlp_ratio (float): Hidden width of a block by its width. Defaults to
            4.
        drop_rate (float): Dropout. Defaults to 0.
        drop_path_rate (float): Stochastic depth of the last block, rising
            linearly from 0. Defaults to 0.1.
        fc_channels (int): Hidden width of the classifiers. Defaults to 2048.
        num_fcs (int): Hidden layers of the classifiers. Defaults to 1.
        fill (str): Dropped places of the full map. ``'mask_token'``: a
            learned token, and positions are added to the map and to the
            decoder's tokens (released model). ``'zero'``: zero, without
            positions (paper). Defaults to ``'mask_token'``.
        token_order (str): ``'position'`` returns each token to its own
            place. ``'importance'`` writes tokens in order of importance into
            the kept places in ascending order, which is what the released
            weights were trained with. Defaults to ``'position'``.
        roi_size (int): Side of the RoI features. Defaults to 7.
        roi_extension (tuple[float]): Share of width and height added to the
            boxes. Defaults to (0.4, 0.2).
        img_size, patch_size, num_frames, tubelet_size (int): As in the
            backbone; they set the grid of the position table.
        loss_weight (float): Of each block's action loss. Defaults to 12.
        with_cp (bool or list[bool]): Activation checkpointing of the blocks,
            for all or each. Defaults to False.

    Raises:
        ValueError: If ``fill`` or ``token_order`` is unknown.
    """

    def __init__(self,
                 in_channels: int = 768,
                 embed_dims: int = 384,
                 depth: int = 6,
                 num_heads: int = 6,
                 num_classes: int = 80,
                 mlp_ratio: float = 4.,
                 drop_rate: float = 0.,
                 drop_path_rate: float = 0.1,
                 fc_channels: int = 2048,
                 num_fcs: int = 1,
                 fill: str = 'mask_token',
                 token_order: str = 'position',
                 roi_size: int = 7,
                 roi_extension: Tuple[float, float] = (0.4, 0.2),
                 img_size: int = 224,
                 patch_size: int = 16,
                 num_frames: int = 16,
                 tubelet_size: int = 2,
                 loss_weight: float = 12.,
                 with_cp: Union[bool, Sequence[bool]] = False) -> None:
        super().__init__()
        check_transformer(embed_dims, depth, num_heads, mlp_ratio, drop_rate,
                          drop_path_rate)
        grid = token_grid(img_size, patch_size, num_frames, tubelet_size,
                          embed_dims)
        require_sizes(
            in_channels=in_channels,
            num_classes=num_classes,
            fc_channels=fc_channels)
        require_sizes(MAX_DEPTH, roi_size=roi_size)
        require_between(0, MAX_DEPTH, num_fcs=num_fcs)
        width = max(embed_dims, fc_channels)
        require_total(
            MAX_WEIGHTS,
            depth * width * (num_fcs * width + num_classes),
            'weights',
            depth=depth,
            embed_dims=embed_dims,
            fc_channels=fc_channels,
            num_fcs=num_fcs,
            num_classes=num_classes)
        require_at_least(0, loss_weight=loss_weight)
        require_between(0, 100, roi_extension=roi_extension)
        with_cp = per_block('with_cp', with_cp, depth)
        if fill not in FILLS:
            raise ValueError(f'fill={fill!r} is none of {FILLS}')
        if token_order not in TOKEN_ORDERS:
            raise ValueError(
                f'token_order={token_order!r} is none of {TOKEN_ORDERS}')
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.token_order = token_order
        self.roi_extension = tuple(roi_extension)
        self.loss_weight = loss_weight
        self.with_cp = with_cp
        self.projection = nn.Linear(in_channels, embed_dims, bias=False)
        self.mask_token, self.position = None, None
        if fill == 'mask_token':
            self.mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
            self.position = SineCosinePosition(embed_dims, grid)
        self.roi_align = SliceRoIAlign(roi_size, 1 / patch_size)
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.blocks = ModuleList([
            Block(
                embed_dims,
                num_heads,
                mlp_ratio,
                drop_rate=drop_rate,
                drop_path_rate=rate) for rate in rates
        ])
        self.classifiers = ModuleList([
            ActionClassifier(embed_dims, fc_channels, num_fcs, num_classes)
            for _ in range(depth)
        ])

    def init_weights(self) -> None:
        """Xavier for matrices, normal (std 0.02) for the mask token."""
        super().init_weights()
        for param in self.parameters():
            if param.dim() == 2:
                nn.init.xavier_uniform_(param)
        if self.mask_token is not None:
            nn.init.normal_(self.mask_token, std=0.02)

    def remap(self, video: VideoTokens) -> Tuple[Tensor, Tensor]:
        """Project surviving tokens and return them to their places.

        Args:
            video (VideoTokens): Output of the backbone.

        Returns:
            tuple: Full map (B, t, h, w, C_d) and the decoder's tokens
            (B, N', C_d).
        """
        num_places = video.grid[0] * video.grid[1] * video.grid[2]
        ids = video.ids
        if video.valid is not None:  # sorts behind all others
            ids = ids.masked_fill(~video.valid, num_places)
        tokens, places = order_tokens(
            self.projection(video.tokens), ids, video.num_protected,
            self.token_order)
        valid = None if video.valid is None else places < num_places
        full = restore_tokens(tokens, places, num_places, self.mask_token,
                              valid)
        if self.position is not None:
            own_grids = video.padding and video.padding.grids
            table = self.position(video.grid, own_grids).to(full.dtype)
            full = full + table
            table = table.expand(len(full), -1, -1)
            table = F.pad(table, (0, 0, 0, 1)) if valid is not None else table
            index = places[..., None].expand(-1, -1, tokens.size(-1))
            tokens = tokens + table.gather(1, index)
        return full.unflatten(1, video.grid), tokens

    def pool(self, full: Tensor, boxes: Tensor, whwh: Tensor,
             video: VideoTokens) -> Tensor:
        """Actor features of the full map.

        Args:
            full (Tensor): (B, t, h, w, C_d).
            boxes (Tensor): (B, n, 4) of the last stage, in pixels.
            whwh (Tensor): (B, 4) size of the unpadded clips, in pixels.
            video (VideoTokens): Output of the backbone.

        Returns:
            Tensor: (B, n, C_d), maximum over 7x7, mean over t.
        """
        boxes = extend_boxes(boxes.detach(), whwh, self.roi_extension)
        own_size = None
        if video.padding is not None:
            own_size = torch.tensor(video.padding.grids).to(
                boxes.device, non_blocking=True)
        return self.roi_align(full, boxes, own_size).mean(1)

    def forward(self, video: VideoTokens, boxes: Tensor,
                whwh: Tensor) -> List[Tensor]:
        """Classify the actions of actors.

        Args:
            video (VideoTokens): Output of the backbone.
            boxes (Tensor): (B, n, 4) of the actor head's last stage, xyxy in
                pixels.
            whwh (Tensor): (B, 4) width, height, width, height of the
                unpadded clips in pixels.

        Returns:
            list[Tensor]: Action logits (B, n, classes) after every block.
        """
        full, tokens = self.remap(video)
        actors = self.pool(full, boxes, whwh, video)
        num = actors.size(1)
        x = torch.cat((tokens, actors), 1)
        mask = None
        if video.valid is not None:
            mask = F.pad(video.valid, (0, num), value=True)
        logits = []
        for block, classify, with_cp in zip(self.blocks, self.classifiers,
                                            self.with_cp):
            x = maybe_checkpoint(with_cp, block, x, mask)
            logits.append(classify(x[:, -num:]))
        return logits

    def loss(self, logits: List[Tensor], matches: Matches,
             gt_labels: List[Tensor]) -> Dict[str, Tensor]:
        """Action loss of every block: BCE over all matched queries.

        In distributed training the mean over ranks is that of one process
        with all clips.

        Args:
            logits (list[Tensor]): (B, n, classes) of every block.
            matches (Matches): Matches of the last stage.
            gt_labels (list[Tensor]): (M, classes) multi-hot, per clip.

        Returns:
            dict: Weighted losses ``block{i}.loss_action``.
        """
        target = torch.cat(gt_labels)[matches.gts]
        num = reduce_mean(target.new_full((), float(len(target))))
        losses = {}
        for i, pred in enumerate(logits):
            pred = pred[matches.clips, matches.queries].float()
            loss = pred.sum() * 0
            if len(target):
                loss = F.binary_cross_entropy_with_logits(pred, target)
                loss = loss * (len(target) / num)
            losses[f'block{i}.loss_action'] = self.loss_weight * loss
        return losses
