# Copyright (c) mmevad authors. All rights reserved.
"""QueryActorHead: keyframe pyramid + learned queries -> person boxes."""
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from mmaction.utils import ConfigType
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmevad.utils.arguments import build_part, try_part
from mmevad.utils.ranges import (require_at_least, require_fractions,
                                 require_sizes, require_some)
from .boxes import apply_deltas, cxcywh_to_xyxy
from .checks import check_actor_head
from .matching import Matches, match
from .roi_extractor import KeyframeRoIExtractor

PERSON, BACKGROUND = 0, 1


class Actors(NamedTuple):
    """Output of one stage of :class:`QueryActorHead`.

    Attributes:
        logits (Tensor): (B, n, 2), person and background.
        boxes (Tensor): (B, n, 4) xyxy in pixels of the padded clip, not
            clipped.
        features (Tensor): (B, n, C) of the queries.
    """
    logits: Tensor
    boxes: Tensor
    features: Tensor


def build_mmdet(cfg: ConfigType, registry=MMDET_MODELS):
    """Build one of mmdet's modules, its defaults looked up in mmdet."""
    return registry.build(dict(cfg, _scope_='mmdet'))


@MODELS.register_module()
class QueryActorHead(BaseModule):
    """Sparse R-CNN head that finds the persons of the keyframe.

    EVAD (arXiv 2304.08451), Sec. 3.3; Sparse R-CNN (arXiv 2011.12450). Each
    stage is mmdet's ``DIIHead``.

    Args:
        num_queries (int): n, learned proposal boxes. Defaults to 100.
        num_stages (int): Times that boxes are refined. Defaults to 6.
        channels (int): C of the pyramid and the queries. Defaults to 256.
        num_heads (int): Heads of the queries' self-attention. Defaults to 8.
        feedforward_channels (int): Hidden width of a stage. Defaults to 2048.
        dynamic_channels (int): Inner width of the dynamic interaction.
            Defaults to 64.
        num_cls_fcs (int): Hidden layers of the class branch. Defaults to 1.
        num_reg_fcs (int): Hidden layers of the box branch. Defaults to 3.
        dropout (float): Of the stages. Defaults to 0.
        strides (list[int]): Of the pyramid levels, in pixels. Defaults to
            (4, 8, 16, 32).
        patch_size (int): Of the backbone. Defaults to 16.
        roi_size (int): Side of the RoI features. Defaults to 7.
        zero_init_deltas (bool): Start from stages that leave boxes where
            they are, instead of Xavier weights; learns faster from scratch.
            Defaults to False.
        background_weight (float): Weight of background queries in the
            classification loss. Defaults to 0.1.
        assigner (dict): Matching of queries with ground truth, mmdet's.
        loss_cls, loss_bbox, loss_iou (dict): mmdet's losses.
    """

    def __init__(
        self,
        num_queries: int = 100,
        num_stages: int = 6,
        channels: int = 256,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dynamic_channels: int = 64,
        num_cls_fcs: int = 1,
        num_reg_fcs: int = 3,
        dropout: float = 0.,
        strides: Sequence[int] = (4, 8, 16, 32),
        patch_size: int = 16,
        roi_size: int = 7,
        zero_init_deltas: bool = False,
        background_weight: float = 0.1,
        assigner: ConfigType = dict(
            type='HungarianAssigner',
            match_costs=[
                dict(type='ClassificationCost', weight=2.),
                dict(type='BBoxL1Cost', weight=5., box_format='xyxy'),
                dict(type='IoUCost', iou_mode='giou', weight=2.)
            ]),
        loss_cls: ConfigType = dict(type='CrossEntropyLoss', loss_weight=2.),
        loss_bbox: ConfigType = dict(type='L1Loss', loss_weight=5.),
        loss_iou: ConfigType = dict(type='GIoULoss', loss_weight=2.)
    ) -> None:
        super().__init__()
        check_actor_head(num_queries, num_stages, channels, num_heads,
                         feedforward_channels, dynamic_channels, num_cls_fcs,
                         num_reg_fcs, roi_size)
        require_sizes(patch_size=patch_size, strides=strides)
        require_fractions(dropout=dropout)
        require_at_least(0, background_weight=background_weight)
        require_some(strides=strides)
        self.channels = channels
        self.proposal_boxes = nn.Embedding(num_queries, 4)
        # cx, cy, w, h: each covers the whole image
        nn.init.constant_(self.proposal_boxes.weight[:, :2], 0.5)
        nn.init.constant_(self.proposal_boxes.weight[:, 2:], 1.)
        self.proposal_features = nn.Embedding(num_queries, channels)
        self.roi_extractor = KeyframeRoIExtractor(roi_size, strides,
                                                  patch_size)
        stage = dict(
            type='DIIHead',
            num_classes=1,
            num_heads=num_heads,
            num_cls_fcs=num_cls_fcs,
            num_reg_fcs=num_reg_fcs,
            feedforward_channels=feedforward_channels,
            in_channels=channels,
            dropout=dropout,
            dynamic_conv_cfg=dict(
                type='DynamicConv',
                in_channels=channels,
                feat_channels=dynamic_channels,
                out_channels=channels,
                input_feat_shape=roi_size),
            loss_cls=dict(type='CrossEntropyLoss'))
        self.stages = ModuleList(
            [build_mmdet(stage) for _ in range(num_stages)])
        self.zero_init_deltas = zero_init_deltas
        self.assigner = self._build('assigner', assigner, MMDET_TASK_UTILS)
        weights = [1., background_weight]
        self.loss_cls = self._build('loss_cls',
                                    dict(loss_cls, class_weight=weights))
        self.loss_bbox = self._build('loss_bbox', loss_bbox)
        self.loss_iou = self._build('loss_iou', loss_iou)
        self._try_losses()

    def _try_losses(self) -> None:
        """Raise a ConfigError for costs or losses that take no boxes."""
        boxes = torch.tensor([[1., 1., 5., 6.]])
        logits, labels = torch.zeros(1, 2), torch.tensor([PERSON])
        whwh, factor = torch.full((1, 4), 8.), dict(avg_factor=torch.ones(()))
        outputs = [Actors(logits[None], boxes[None], logits[None])]
        tries = dict(
            assigner=lambda: self.match(outputs, [boxes], whwh)[0].queries,
            loss_cls=lambda: self.loss_cls(logits, labels, **factor),
            loss_bbox=lambda: self.loss_bbox(boxes, boxes, **factor),
            loss_iou=lambda: self.loss_iou(boxes, boxes, **factor))
        for option, run in tries.items():
            try_part(self, option, run)

    def _build(self, option: str, cfg: ConfigType, registry=MMDET_MODELS):
        """One of mmdet's, its defaults looked up in mmdet."""
        return build_part(self, option, dict(cfg, _scope_='mmdet'), registry)

    def init_weights(self) -> None:
        """mmdet's Xavier initialisation of the stages, see Args."""
        super().init_weights()
        if self.zero_init_deltas:
            for stage in self.stages:
                nn.init.zeros_(stage.fc_reg.weight)

    def forward(
            self,
            maps: Sequence[Tensor],
            whwh: Tensor,
            own_grids: Optional[List[Tuple[int, int]]] = None) -> List[Actors]:
        """Find persons.

        Args:
            maps (list[Tensor]): Pyramid, (B, C, h_l, w_l) each.
            whwh (Tensor): (B, 4) width, height, width, height of the
                unpadded clips in pixels.
            own_grids (list[tuple[int]], optional): (h, w) of each clip's own
                token grid if padding is masked.

        Returns:
            list[Actors]: One for each stage.
        """
        boxes = cxcywh_to_xyxy(self.proposal_boxes.weight)
        boxes = boxes[None] * whwh[:, None]
        features = self.proposal_features.weight.expand(len(whwh), -1, -1)
        maps = [m.permute(0, 2, 3, 1).contiguous() for m in maps]
        own_grid = None
        if own_grids is not None:
            own_grid = torch.tensor(own_grids).to(
                whwh.device, non_blocking=True)
        outputs: List[Actors] = []
        for stage in self.stages:
            rois = self.roi_extractor.pool(maps, boxes.detach(), own_grid)
            logits, deltas, features, _ = stage(rois, features)
            # only the first stage's boxes pass gradient, to the proposals
            boxes = boxes.detach() if outputs else boxes
            boxes = apply_deltas(deltas.float(), boxes)
            outputs.append(Actors(logits, boxes, features))
        return outputs

    def match(self, outputs: Sequence[Actors], gt_boxes: List[Tensor],
              whwh: Tensor) -> List[Matches]:
        """Match the queries of each stage with the ground truth (Hungarian).

        Args:
            outputs (list[Actors]): Output of :meth:`forward`.
            gt_boxes (list[Tensor]): (M, 4) xyxy in pixels, per clip.
            whwh (Tensor): (B, 4), as in :meth:`forward`.

        Returns:
            list[Matches]: One for each stage.
        """
        return match([actors.logits for actors in outputs],
                     [actors.boxes for actors in outputs], gt_boxes, whwh,
                     PERSON, self.assigner.match_costs)

    def loss(self, outputs: List[Actors], gt_boxes: List[Tensor],
             whwh: Tensor) -> Tuple[Dict[str, Tensor], Matches]:
        """Losses of all stages.

        Args:
            outputs (list[Actors]): Output of :meth:`forward`.
            gt_boxes (list[Tensor]): (M, 4) xyxy in pixels, per clip.
            whwh (Tensor): (B, 4), as in :meth:`forward`.

        Returns:
            tuple: Weighted losses ``stage{i}.loss_{cls,bbox,iou}``, and the
            matches of the last stage.
        """
        total = float(sum(map(len, gt_boxes)))
        num_gts = reduce_mean(whwh.new_full((), total)).clamp(min=1)
        gts, losses = torch.cat(gt_boxes), {}
        for i, (actors, matches) in enumerate(
                zip(outputs, self.match(outputs, gt_boxes, whwh))):
            for name, value in self._stage_loss(actors, matches, gts, whwh,
                                                num_gts).items():
                losses[f'stage{i}.{name}'] = value
        return losses, matches

    def _stage_loss(self, actors: Actors, matches: Matches, gts: Tensor,
                    whwh: Tensor, num_gts: Tensor) -> Dict[str, Tensor]:
        """Losses of one stage; ``gts`` (M, 4) of all clips."""
        logits = actors.logits.float()
        places = matches.clips * logits.size(1) + matches.queries
        labels = torch.full((logits[..., 0].numel(), ),
                            BACKGROUND,
                            device=logits.device)
        labels = labels.index_fill(0, places, PERSON)
        person, background = self.loss_cls.class_weight
        weight = torch.where(labels == PERSON, person, background).sum()
        weight = reduce_mean(weight)  # as in one process with all clips
        loss_cls = self.loss_cls(
            logits.flatten(0, 1), labels, avg_factor=weight)
        if len(places) == 0:  # zero, with a graph for distributed training
            zero = actors.boxes.sum() * 0
            return dict(loss_cls=loss_cls, loss_bbox=zero, loss_iou=zero)
        pred = actors.boxes.flatten(0, 1)[places]
        gts, size = gts[matches.gts], whwh[matches.clips]
        return dict(
            loss_cls=loss_cls,
            loss_bbox=self.loss_bbox(
                pred / size, gts / size, avg_factor=num_gts),
            loss_iou=self.loss_iou(pred, gts, avg_factor=num_gts))
