# Copyright (c) mmevad authors. All rights reserved.
"""EVAD: backbone, pyramid, actor head and context decoder, wired."""
from functools import partial
from typing import Dict, List, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, OptSampleList
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor

from mmevad.utils.arguments import build_part
from mmevad.utils.ranges import require_between
from ..batches import check_batch
from .actor_head import PERSON, Actors
from .boxes import clip_boxes, whwh_of
from .parts import check_parts


@MODELS.register_module()
class EVAD(BaseModel):
    """Efficient video action detector, end to end.

    Chen et al., *Efficient Video Action Detection with Token Dropout and
    Context Refinement*, ICCV 2023 (arXiv 2304.08451).

    Args:
        backbone (dict): :class:`KeyframeTokenPruneViT`.
        neck (dict): :class:`KeyframeFPN`.
        actor_head (dict): :class:`QueryActorHead`.
        context_decoder (dict): :class:`ContextRefineDecoder`.
        person_score_thr (float): Persons with a lower score are left out of
            predictions; a clip without any keeps all. Defaults to 0.7.
        multiply_person_score (bool): Multiply action scores by the person
            score. Defaults to False.
        average_losses (bool): Differentiate the mean of the loss terms
            instead of their sum, as the released recipe does. The terms are
            reported as they are. Defaults to False.
        data_preprocessor (dict, optional): Defaults to
            :class:`EVADDataPreprocessor` without normalisation.
        init_cfg (dict, optional): mmengine initialisation.
    """

    def __init__(self,
                 backbone: ConfigType,
                 neck: ConfigType,
                 actor_head: ConfigType,
                 context_decoder: ConfigType,
                 person_score_thr: float = 0.7,
                 multiply_person_score: bool = False,
                 average_losses: bool = False,
                 data_preprocessor: OptConfigType = None,
                 init_cfg: OptConfigType = None) -> None:
        data_preprocessor = data_preprocessor or dict(
            type='EVADDataPreprocessor')
        build = partial(build_part, self, registry=MODELS)
        super().__init__(
            build('data_preprocessor', data_preprocessor), init_cfg)
        self.backbone = build('backbone', backbone)
        self.neck = build('neck', neck)
        self.actor_head = build('actor_head', actor_head)
        self.context_decoder = build('context_decoder', context_decoder)
        check_parts(self.data_preprocessor, self.backbone, self.neck,
                    self.actor_head, self.context_decoder)
        require_between(0, 1, person_score_thr=person_score_thr)
        self.person_score_thr = person_score_thr
        self.multiply_person_score = multiply_person_score
        self.average_losses = average_losses

    def forward(self,
                inputs: Tensor,
                data_samples: OptSampleList = None,
                mode: str = 'tensor') -> Union[dict, list, tuple]:
        """Run the model.

        Args:
            inputs (Tensor): (B, 3, T, H, W), normalised and padded.
            data_samples (list[ActionDataSample], optional): Metainfo
                ``img_shape``: unpadded (height, width); without samples the
                clips count as unpadded. ``gt_instances`` for the loss:
                ``bboxes`` (M, 4) xyxy in pixels of the clip, ``labels``
                (M, classes) or (M, 1 + classes) multi-hot.
            mode (str): ``'loss'``, ``'predict'`` or ``'tensor'``.

        Returns:
            dict, list or tuple: ``'loss'``: the weighted loss terms.
            ``'predict'``: the samples with ``pred_instances``, see
            :meth:`predict`. ``'tensor'``: person logits (B, n, 2), boxes
            (B, n, 4) and action logits (B, n, classes) of the last stage.

        Raises:
            ValueError: See :func:`check_batch`.
        """
        check_batch(inputs, data_samples, mode)
        if not len(inputs):
            return []
        if data_samples is None:
            img_shapes = [tuple(inputs.shape[-2:])] * len(inputs)
        else:
            img_shapes = [tuple(s.img_shape[:2]) for s in data_samples]
        whwh = whwh_of(img_shapes, inputs.device)
        stages, logits = self._forward(inputs, img_shapes, whwh)
        if mode == 'tensor':
            return stages[-1].logits, stages[-1].boxes, logits[-1]
        if mode == 'loss':
            return self.loss(stages, logits, data_samples, whwh)
        return self.predict(stages[-1], logits[-1], data_samples, whwh)

    def _forward(self, inputs: Tensor, img_shapes: Sequence[Tuple[int, int]],
                 whwh: Tensor) -> Tuple[List[Actors], List[Tensor]]:
        video = self.backbone(inputs, img_shapes)
        maps = self.neck(video.keyframe_maps, video.map_masks)
        own_grids = video.padding and video.padding.grids
        stages = self.actor_head(maps, whwh, own_grids)
        return stages, self.context_decoder(video, stages[-1].boxes, whwh)

    def loss(self, stages: List[Actors], logits: List[Tensor],
             data_samples: Sequence, whwh: Tensor) -> Dict[str, Tensor]:
        """Weighted loss terms of all stages and blocks.

        Raises:
            ValueError: If the labels have a wrong number of classes.
        """
        gt_boxes, gt_labels = [], []
        for sample in data_samples:
            gt = sample.gt_instances
            gt_boxes.append(gt.bboxes.to(whwh))
            gt_labels.append(self._action_labels(gt.labels).to(whwh))
        losses, matches = self.actor_head.loss(stages, gt_boxes, whwh)
        losses.update(self.context_decoder.loss(logits, matches, gt_labels))
        return losses

    def _action_labels(self, labels: Tensor) -> Tensor:
        """Multi-hot labels without AVA's background column."""
        classes = self.context_decoder.num_classes
        if labels.dim() != 2 or labels.size(1) not in (classes, classes + 1):
            raise ValueError(
                f'labels of shape {tuple(labels.shape)} are not multi-hot '
                f'over {classes} actions (or {classes + 1} with background); '
                'set num_classes of the context decoder to that of the '
                'dataset, less one')
        return labels[:, -classes:]

    def parse_losses(self, losses: Dict[str, Tensor]):
        """Sum the terms, or average them with ``average_losses``."""
        loss, log_vars = super().parse_losses(losses)
        if self.average_losses:
            loss = loss / len(losses)
            log_vars['loss'] = loss
        return loss, log_vars

    def predict(self, actors: Actors, logits: Tensor, data_samples: Sequence,
                whwh: Tensor) -> list:
        """Add predictions to the samples, on the CPU.

        ``pred_instances`` of each sample: ``bboxes`` (k, 4) xyxy divided by
        the size of the image, ``scores`` (k, 1 + classes) with a background
        column of zeros in front (as ``AVAMetric`` wants them) and
        ``person_scores`` (k, ).
        """
        boxes, persons, actions = self.score(actors, logits, whwh)
        # one tensor, so that the device is waited for just once
        table = torch.cat((boxes, persons, actions), -1).cpu()
        for sample, rows in zip(data_samples, table):
            sample.pred_instances = pick_persons(rows[:, :4], rows[:, 4],
                                                 rows[:, 5:],
                                                 self.person_score_thr)
        return list(data_samples)

    def score(self, actors: Actors, logits: Tensor,
              whwh: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Boxes (B, n, 4) divided by the size of the image, person scores
        (B, n, 1) and action scores (B, n, classes)."""
        boxes = clip_boxes(actors.boxes, whwh) / whwh[:, None]
        persons = actors.logits.float().softmax(-1)[..., PERSON, None]
        actions = logits.float().sigmoid()
        if self.multiply_person_score:
            actions = actions * persons
        return boxes, persons, actions


def pick_persons(boxes: Tensor, persons: Tensor, actions: Tensor,
                 score_thr: float) -> InstanceData:
    """Those of a clip that pass for persons; all, if none does.

    Args:
        boxes (Tensor): (n, 4).
        persons (Tensor): (n, ) scores.
        actions (Tensor): (n, classes) scores.
        score_thr (float): Least person score.

    Returns:
        InstanceData: See :meth:`EVAD.predict`.
    """
    kept = persons >= score_thr
    kept = kept if kept.any() else torch.ones_like(kept)
    return InstanceData(
        bboxes=boxes[kept],
        scores=F.pad(actions[kept], (1, 0)),
        person_scores=persons[kept])
