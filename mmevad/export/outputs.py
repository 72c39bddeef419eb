# Copyright (c) mmevad authors. All rights reserved.
"""Outputs of an exported model -> what the model itself would return.

NMS, thresholds and the units of a user are no part of an exported model.
"""
from typing import List, Mapping, Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmevad.models.actionformer import ActionFormerHead
from mmevad.models.evad.detector import pick_persons


def with_actors(outputs: Mapping[str, Tensor], data_samples: Sequence,
                person_score_thr: float) -> list:
    """Add predictions to samples, as :meth:`EVAD.predict` does.

    Args:
        outputs (dict[str, Tensor]): See :class:`EVADForExport`.
        data_samples (list[ActionDataSample]): One for each clip.
        person_score_thr (float): As of the model.

    Returns:
        list: The samples with ``pred_instances``.
    """
    for sample, *rows in zip(data_samples, outputs['boxes'],
                             outputs['person_scores'],
                             outputs['action_scores']):
        sample.pred_instances = pick_persons(*rows, person_score_thr)
    return list(data_samples)


def localized(outputs: Mapping[str, Tensor], head: ActionFormerHead,
              data_samples: Sequence) -> List[InstanceData]:
    """Actions of videos, as :meth:`ActionFormerHead.predict` returns them.

    Args:
        outputs (dict[str, Tensor]): See :class:`ActionFormerForExport`.
        head (ActionFormerHead): With the NMS; its weights are not used.
        data_samples (list[ActionDataSample]): Metainfo as there.

    Returns:
        list[InstanceData]: ``segments`` (M, 2) in seconds, ``scores`` and
        ``labels`` (M, ), best first.
    """
    points = outputs['points']
    # each level starts at 0
    firsts = (points[:, 0] == 0).nonzero()[:, 0].tolist()
    ends = [*firsts[1:], len(points)]
    sizes = [end - first for first, end in zip(firsts, ends)]
    logits, distances, valid = (
        outputs[name].split(sizes, 1)
        for name in ('logits', 'distances', 'valid'))
    masks = [mask[:, None] for mask in valid]
    with torch.no_grad():
        found = head.decode(logits, distances, masks)
    return head.finish(found, data_samples)
