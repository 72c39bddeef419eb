# Copyright (c) mmevad authors. All rights reserved.
"""Hungarian matching of queries with ground truth, all clips at once."""
from typing import List, NamedTuple, Sequence

import torch
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor

# boxes are compared on a common scale: the images count as squares of this
# side, which changes neither overlaps nor distances relative to the image
SIDE = 1000.


class Matches(NamedTuple):
    """Matched pairs of one stage, clip after clip, int64 (K, ) each.

    Attributes:
        clips (Tensor): Clip of each pair.
        queries (Tensor): Query, increasing within a clip.
        gts (Tensor): Row of the ground truth of all clips, concatenated.
    """
    clips: Tensor
    queries: Tensor
    gts: Tensor


@torch.no_grad()
def match(logits: Sequence[Tensor], boxes: Sequence[Tensor],
          gt_boxes: Sequence[Tensor], whwh: Tensor, label: int,
          match_costs: Sequence) -> List[Matches]:
    """Match the queries of several stages.

    The costs of all stages and clips are worked out together and reach the
    CPU in one transfer, the matches return in another.

    Args:
        logits (list[Tensor]): (B, n, classes) of each stage.
        boxes (list[Tensor]): (B, n, 4) xyxy in pixels, of each stage.
        gt_boxes (list[Tensor]): (M, 4) xyxy in pixels, per clip.
        whwh (Tensor): (B, 4) width, height, width, height of the clips.
        label (int): Class of the ground truth.
        match_costs (list): mmdet's match costs.

    Returns:
        list[Matches]: One for each stage.
    """
    device = whwh.device
    batch, num = logits[0].shape[:2]
    counts = [len(gts) for gts in gt_boxes]
    total = sum(counts)
    if not total:
        none = torch.zeros(0, dtype=torch.long, device=device)
        return [Matches(none, none, none)] * len(logits)
    scale = SIDE / whwh
    preds = InstanceData(
        scores=torch.cat([s.float().flatten(0, 1) for s in logits]),
        bboxes=torch.cat([(b * scale[:, None]).flatten(0, 1) for b in boxes]))
    gts = InstanceData(
        bboxes=torch.cat([gts * s for gts, s in zip(gt_boxes, scale)]),
        labels=torch.full((total, ), label, device=device))
    meta = dict(img_shape=(SIDE, SIDE))
    cost = sum(
        cost(pred_instances=preds, gt_instances=gts, img_meta=meta)
        for cost in match_costs)
    # a model that has diverged matches anybody; FiniteLossHook names the batch
    cost = cost.nan_to_num().view(len(logits), batch, num, total)
    cost = cost.cpu().numpy()
    rows, lengths = [], []
    for stage in cost:
        start, pairs = 0, 0
        for clip, count in enumerate(counts):
            queries, own = linear_sum_assignment(stage[clip, :,
                                                       start:start + count])
            rows += [(clip, q, g + start) for q, g in zip(queries, own)]
            pairs += len(queries)
            start += count
        lengths.append(pairs)
    table = torch.tensor(rows).to(device, non_blocking=True)
    return [Matches(*part.unbind(1)) for part in table.split(lengths)]
