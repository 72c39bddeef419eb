# Copyright (c) mmevad authors. All rights reserved.
"""EVAD (arXiv 2304.08451) as released: the map of every block, loops over
images."""
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from .evad_backbone import PlainBackbone
from .evad_heads import PlainActorHead, PlainDecoder, PlainFPN
from .evad_losses import action_loss, actor_losses, match


class PlainEVAD(nn.Module):
    """Gives what ``EVAD`` gives, from the same weights.

    Args:
        model (EVAD): Selector ``gap``, padding not masked.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone = PlainBackbone(model.backbone)
        self.neck = PlainFPN(model.neck)
        self.actor_head = PlainActorHead(model.actor_head)
        self.context_decoder = PlainDecoder(model.context_decoder)

    def _run(self, clip: Tensor, img_shapes: Optional[Sequence[Tuple[int,
                                                                     int]]]):
        shapes = img_shapes or [clip.shape[3:]] * len(clip)
        whwh = torch.tensor([[w, h, w, h] for h, w in shapes],
                            dtype=torch.float32,
                            device=clip.device)
        video = self.backbone(clip)
        stages = self.actor_head(self.neck(video.maps), whwh)
        logits = self.context_decoder(video, stages[-1][1], whwh)
        return stages, logits, whwh

    def forward(
        self,
        clip: Tensor,
        img_shapes: Optional[Sequence[Tuple[int, int]]] = None
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Detect.

        Args:
            clip (Tensor): (B, 3, T, H, W).
            img_shapes (list[tuple[int]], optional): Unpadded (height,
                width) of each clip. Defaults to None: not padded.

        Returns:
            tuple: Person logits (B, n, 2), boxes (B, n, 4) and action logits
            (B, n, classes) of the last stage.
        """
        stages, logits, _ = self._run(clip, img_shapes)
        return (*stages[-1], logits[-1])

    def loss(
        self,
        clip: Tensor,
        gt_boxes: List[Tensor],
        gt_labels: List[Tensor],
        img_shapes: Optional[Sequence[Tuple[int, int]]] = None
    ) -> Dict[str, Tensor]:
        """Weighted terms by the names of ours, one process.

        Args:
            clip (Tensor): (B, 3, T, H, W).
            gt_boxes (list[Tensor]): (M, 4) of each clip, in pixels.
            gt_labels (list[Tensor]): (M, classes) multi-hot.
            img_shapes (list[tuple[int]], optional): As in :meth:`forward`.
        """
        stages, logits, whwh = self._run(clip, img_shapes)
        losses = {}
        for i, (scores, boxes) in enumerate(stages):
            matches = match(scores, boxes, gt_boxes, whwh)
            terms = actor_losses(scores, boxes, matches, gt_boxes, whwh)
            losses.update({f'stage{i}.{k}': v for k, v in terms.items()})
        weight = self.context_decoder.decoder.loss_weight
        for i, actions in enumerate(logits):
            losses[f'block{i}.loss_action'] = weight * action_loss(
                actions, matches, gt_labels)
        return losses
