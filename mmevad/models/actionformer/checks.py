# Copyright (c) mmevad authors. All rights reserved.
"""Options and labels of the head: what has no meaning is refused."""
from typing import Any, Dict, Optional, Sequence

import torch

from mmevad.utils.annotations import fits
from mmevad.utils.arguments import unknown_name
from mmevad.utils.ranges import require_at_least, require_between

TEST_CFG = dict(
    pre_nms_thresh=0.001,
    pre_nms_topk=2000,
    duration_thresh=0.05,
    nms=dict(type='SoftNMS'),
    score_fusion=None)


def complete_test_cfg(test_cfg: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """Settings of the test, with the defaults of those that are missing.

    Raises:
        ValueError: For what is no setting, or out of its range.
    """
    test_cfg = {**TEST_CFG, **(test_cfg or {})}
    for name in sorted(set(test_cfg) - set(TEST_CFG)):
        raise ValueError(unknown_name('test_cfg', name, TEST_CFG))
    for name, hint, what in (('pre_nms_thresh', float, 'a number'),
                             ('pre_nms_topk', Optional[int],
                              'an integer or None'), ('duration_thresh', float,
                                                      'a number')):
        if not fits(test_cfg[name], hint):
            raise ValueError(f'test_cfg.{name}={test_cfg[name]!r} must be '
                             f'{what}')
    require_between(0, 1,
                    **{'test_cfg.pre_nms_thresh': test_cfg['pre_nms_thresh']})
    require_at_least(1, **{'test_cfg.pre_nms_topk': test_cfg['pre_nms_topk']})
    require_at_least(
        0, **{'test_cfg.duration_thresh': test_cfg['duration_thresh']})
    return test_cfg


def check_labels(data_samples: Sequence, num_classes: int) -> None:
    """Labels of the ground truth.

    Args:
        data_samples (list[ActionDataSample]): ``gt_instances.labels`` (N, ).
        num_classes (int): C.

    Raises:
        ValueError: If labels are not from 0 to C - 1; names the videos.
    """
    gts = [sample.gt_instances for sample in data_samples]
    labels = torch.cat([gt.labels for gt in gts])
    if ((labels < 0) | (labels >= num_classes)).any():
        wrong = {
            sample.get('video_name'): gt.labels.unique().tolist()
            for sample, gt in zip(data_samples, gts)
            if any(not 0 <= c < num_classes for c in gt.labels)
        }
        raise ValueError(f'labels of videos {wrong} do not go with '
                         f'num_classes={num_classes} of the head')
