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
from mmengine.structures import InstanceData
from torch import Tensor, nn

from .boxes import apply_deltas, cxcywh_to_xyxy
from .roi_extractor import KeyframeRoIExtractor

PERSON, BACKGROUND = 0, 1

Match = Tuple[Tensor, Tensor]


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
        num_stages (int): Defaults to 6.
        channels (int): C of the pyramid and the queries. Defaults to 256.
        num_heads (int): Heads of the queries' self-attention. Defaults to 8.
        feedforward_channels (int): Defaults to 2048.
        dynamic_channels (int): Inner width of the dynamic interaction.
            Defaults to 64.
        num_cls_fcs (int): Hidden layers of the class branch. Defaults to 1.
        num_reg_fcs (int): Hidden layers of the box branch. Defaults to 3.
        dropout (float): Defaults to 0.
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
        self.proposal_boxes = nn.Embedding(num_queries, 4)
        # cx, cy, w, h: each covers the whole image
        nn.init.constant_(self.proposal_boxes.weight[:, :2], 0.5)
        nn.init.constant_(self.proposal_boxes.weight[:, 2:], 1.)
        self.proposal_features = nn.Embedding(num_queries, channels)
        self.roi_extractor = KeyframeRoIExtractor(
            patch_size=patch_size,
            roi_layer=dict(
                type='RoIAlign',
                output_size=roi_size,
                sampling_ratio=2,
                aligned=True),
            out_channels=channels,
            featmap_strides=list(strides))
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
        self.assigner = build_mmdet(assigner, MMDET_TASK_UTILS)
        weights = [1., background_weight]
        self.loss_cls = build_mmdet(dict(loss_cls, class_weight=weights))
        self.loss_bbox = build_mmdet(loss_bbox)
        self.loss_iou = build_mmdet(loss_iou)

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
        outputs: List[Actors] = []
        for stage in self.stages:
            rois = self.roi_extractor.pool(maps, boxes.detach(), own_grids)
            logits, deltas, features, _ = stage(rois, features)
            # only the first stage's boxes pass gradient, to the proposals
            boxes = boxes.detach() if outputs else boxes
            boxes = apply_deltas(deltas.float(), boxes)
            outputs.append(Actors(logits, boxes, features))
        return outputs

    @torch.no_grad()
    def match(self, actors: Actors, gt_boxes: List[Tensor],
              whwh: Tensor) -> List[Match]:
        """Match the queries of one stage with the ground truth (Hungarian).

        Args:
            actors (Actors): Output of the stage.
            gt_boxes (list[Tensor]): (M, 4) xyxy in pixels, per clip.
            whwh (Tensor): (B, 4), as in :meth:`forward`.

        Returns:
            list[tuple[Tensor]]: Matched queries (increasing) and the ground
            truth of each, per clip.
        """
        matches = []
        for logits, boxes, gts, size in zip(actors.logits.float(),
                                            actors.boxes, gt_boxes,
                                            whwh.tolist()):
            result = self.assigner.assign(
                InstanceData(scores=logits, bboxes=boxes),
                InstanceData(
                    bboxes=gts,
                    labels=torch.full((len(gts), ),
                                      PERSON,
                                      dtype=torch.long,
                                      device=gts.device)),
                img_meta=dict(img_shape=(size[1], size[0])))
            queries = torch.nonzero(result.gt_inds > 0).flatten()
            matches.append((queries, result.gt_inds[queries] - 1))
        return matches

    def loss(self, outputs: List[Actors], gt_boxes: List[Tensor],
             whwh: Tensor) -> Tuple[Dict[str, Tensor], List[Match]]:
        """Losses of all stages.

        Args:
            outputs (list[Actors]): Output of :meth:`forward`.
            gt_boxes (list[Tensor]): (M, 4) xyxy in pixels, per clip.
            whwh (Tensor): (B, 4), as in :meth:`forward`.

        Returns:
            tuple: Weighted losses ``stage{i}.loss_{cls,bbox,iou}``, and the
            matches of the last stage.
        """
        total = whwh.new_tensor(float(sum(map(len, gt_boxes))))
        num_gts = reduce_mean(total).clamp(min=1)
        losses = {}
        for i, actors in enumerate(outputs):
            matches = self.match(actors, gt_boxes, whwh)
            for name, value in self._stage_loss(actors, matches, gt_boxes,
                                                whwh, num_gts).items():
                losses[f'stage{i}.{name}'] = value
        return losses, matches

    def _stage_loss(self, actors: Actors, matches: List[Match],
                    gt_boxes: List[Tensor], whwh: Tensor,
                    num_gts: Tensor) -> Dict[str, Tensor]:
        logits = actors.logits.float()
        labels = torch.full(logits.shape[:2], BACKGROUND, device=logits.device)
        for row, (queries, _) in zip(labels, matches):
            row[queries] = PERSON
        labels = labels.flatten()
        weights = logits.new_tensor(self.loss_cls.class_weight)
        loss_cls = self.loss_cls(
            logits.flatten(0, 1), labels, avg_factor=weights[labels].sum())
        pred = torch.cat([b[m[0]] for b, m in zip(actors.boxes, matches)])
        gts = torch.cat([g[m[1]] for g, m in zip(gt_boxes, matches)])
        if len(gts) == 0:  # zero, with a graph for distributed training
            zero = actors.boxes.sum() * 0
            return dict(loss_cls=loss_cls, loss_bbox=zero, loss_iou=zero)
        size = torch.cat(
            [s.expand(len(m[0]), -1) for s, m in zip(whwh, matches)])
        return dict(
            loss_cls=loss_cls,
            loss_bbox=self.loss_bbox(
                pred / size, gts / size, avg_factor=num_gts),
            loss_iou=self.loss_iou(pred, gts, avg_factor=num_gts))
