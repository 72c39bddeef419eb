# Copyright (c) mmevad authors. All rights reserved.
"""Non-maximum suppression of temporal segments."""
from typing import Optional, Tuple

import numpy as np
import torch
from mmaction.registry import MODELS
from torch import Tensor

from .nms_hard import hard_nms
from .nms_lockstep import lockstep_soft_nms
from .nms_pairs import gaussian, linear
from .nms_sequential import sequential_soft_nms
from .voting import vote

_METHODS = ('soft', 'linear', 'hard', 'none')


@MODELS.register_module()
class SoftNMS:
    """Non-maximum suppression of temporal segments, exact and fast.

    Scores, selection and the order of equal scores are those of the released
    compiled code, bit by bit; nothing has to be compiled. Selections depend
    on each other, so this is a chain of very small steps: it runs on the CPU
    whatever the device of its input, which is copied once.

    Args:
        method (str): ``soft`` (Gaussian decay), ``linear`` (decay by 1 - IoU
            from ``iou_threshold`` on), ``hard`` (segments are dropped from
            ``iou_threshold`` on) or ``none`` (everything is returned as it
            came). Defaults to ``soft``.
        sigma (float): Width of the Gaussian, ``exp(-IoU^2 / sigma)``. Defaults
            to 0.5.
        iou_threshold (float): For ``linear`` and ``hard``. Defaults to 0.1.
        min_score (float): Soft: segments whose decayed score falls under it
            are dropped, but never the first of a class. Hard: only greater
            scores are used. Defaults to 0.001.
        max_seg_num (int, optional): Return that many of the best. None: all.
            Defaults to 200.
        multiclass (bool): Whether only segments of the same class touch each
            other. Defaults to True.
        voting_thresh (float): If positive, and not ``multiclass``, each
            segment becomes the mean of the original segments that overlap
            it by that much, see :func:`vote`. Defaults to 0.

    Raises:
        ValueError: If an argument is outside its range.
    """

    def __init__(self,
                 method: str = 'soft',
                 sigma: float = 0.5,
                 iou_threshold: float = 0.1,
                 min_score: float = 0.001,
                 max_seg_num: Optional[int] = 200,
                 multiclass: bool = True,
                 voting_thresh: float = 0.) -> None:
        if method not in _METHODS:
            raise ValueError(f'method must be one of {", ".join(_METHODS)}, '
                             f'got {method!r}.')
        if not sigma > 0:
            raise ValueError(f'sigma must be positive, got {sigma}.')
        if max_seg_num is not None and max_seg_num < 1:
            raise ValueError('max_seg_num must be at least 1, or None for '
                             f'all, got {max_seg_num}.')
        if min_score < 0:
            raise ValueError(f'min_score must be at least 0, got {min_score}.')
        for name, value in (('iou_threshold', iou_threshold), ('voting_thresh',
                                                               voting_thresh)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], got {value}.')
        self.method = method
        self.sigma = sigma
        self.iou_threshold = iou_threshold
        self.min_score = min_score
        self.max_seg_num = max_seg_num
        self.multiclass = multiclass
        self.voting_thresh = voting_thresh

    def __call__(self, segments: Tensor, scores: Tensor,
                 labels: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Suppress the segments of one video.

        Args:
            segments (Tensor): (N, 2) start and end, in any unit.
            scores (Tensor): (N, ), not negative.
            labels (Tensor): int64 (N, ), not negative.

        Returns:
            tuple[Tensor]: segments (M, 2), scores (M, ) and labels (M, ),
            best first; equal scores by class, then in order of selection.
            With the method ``none`` the input.

        Raises:
            ValueError: If scores are negative or not finite, or a segment is
                not finite or ends before it starts.
        """
        if self.method == 'none' or len(scores) == 0:
            return segments, scores, labels
        spans = segments.detach().cpu().float().numpy()
        # the sum turns -0 into 0
        given = scores.detach().cpu().float().numpy() + np.float32(0)
        _check(spans, given)
        classes = labels.cpu().numpy()
        groups = classes if self.multiclass else np.zeros_like(classes)
        # small integers sort faster
        groups = groups.astype(np.min_scalar_type(groups.max()))
        kept, decayed = self._suppress(spans, given, groups)
        result = spans[kept]
        if self.voting_thresh > 0 and not self.multiclass:
            result = vote(result, spans, given, self.voting_thresh)
        return (torch.from_numpy(result).to(segments),
                torch.from_numpy(decayed).to(scores),
                torch.from_numpy(classes[kept]).to(labels))

    def _suppress(self, segments: np.ndarray, scores: np.ndarray,
                  groups: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Indices and new scores of what is kept."""
        if self.method == 'hard':
            kept = hard_nms(segments, scores, groups, self.iou_threshold,
                            self.min_score, self.max_seg_num)
            return kept, scores[kept]
        if self.method == 'soft':
            weight = gaussian(self.sigma)
        else:
            weight = linear(self.iou_threshold)
        args = (segments, scores, groups, weight, self.min_score,
                self.max_seg_num)
        answer = lockstep_soft_nms(*args) if groups.any() else None
        return sequential_soft_nms(*args) if answer is None else answer


def _check(segments: np.ndarray, scores: np.ndarray) -> None:
    """Raise a ValueError for what cannot be sorted or compared."""
    if not np.isfinite(segments).all() or not np.isfinite(scores).all():
        raise ValueError('Segments or scores of NMS are NaN or infinite: the '
                         'model has diverged, or its features hold such '
                         'numbers.')
    if scores.min() < 0:
        raise ValueError('Scores of NMS must be probabilities, got '
                         f'{scores.min():g}.')
    short = segments[:, 1] < segments[:, 0]
    if short.any():
        start, end = segments[short][0]
        raise ValueError(f'A segment of NMS ends ({end:g}) before it starts '
                         f'({start:g}).')
