# Copyright (c) mmevad authors. All rights reserved.
"""Points of the pyramid, and which action each of them answers for.

ActionFormer (arXiv 2202.07925), Sec. 3.3 and 3.4.
"""
from typing import List, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from torch import Tensor

from mmevad.utils.ranges import require_sizes, require_some

# segments whose lengths differ by less count as equally short (grid units)
SAME_LENGTH = 1e-3


@MODELS.register_module()
class PointGenerator:
    """Points of all levels, on the feature grid.

    Args:
        strides (list[int]): Of each level. Defaults to those of six levels.
        regress_ranges (list[tuple]): Of each level, the least and the
            greatest distance from a point to the ends of its action, in
            units of the grid.

    Raises:
        ValueError: If the lists differ in length.
    """

    def __init__(
        self,
        strides: Sequence[int] = (1, 2, 4, 8, 16, 32),
        regress_ranges: Sequence[Tuple[float, float]] = ((0, 4), (4, 8),
                                                         (8, 16), (16, 32),
                                                         (32, 64), (64, 10000))
    ) -> None:
        if len(strides) != len(regress_ranges):
            raise ValueError(
                f'{len(strides)} strides but {len(regress_ranges)} '
                'regress_ranges; give one of each per level')
        require_some(strides=strides)
        require_sizes(strides=strides)
        if not all(0 <= low < high for low, high in regress_ranges):
            raise ValueError(f'regress_ranges={list(regress_ranges)} must be '
                             'pairs of a least and a greater distance')
        self.strides = list(strides)
        self.regress_ranges = [tuple(r) for r in regress_ranges]

    def __call__(self, lengths: Sequence[int],
                 device: torch.device) -> List[Tensor]:
        """Points of each level.

        Args:
            lengths (list[int]): Points of each level.
            device (torch.device): Where to put them.

        Returns:
            list[Tensor]: (T_l, 4) float32: time (0, s, 2s, ...), least and
            greatest distance, stride s.

        Raises:
            ValueError: If the number of levels is another one.
        """
        if len(lengths) != len(self.strides):
            raise ValueError(
                f'the pyramid has {len(lengths)} levels but the '
                f'PointGenerator has {len(self.strides)} strides; match '
                'strides and regress_ranges to arch of the neck')
        points = []
        for length, stride, (low, high) in zip(lengths, self.strides,
                                               self.regress_ranges):
            level = torch.empty((length, 4), device=device)
            level[:, 0] = torch.arange(length, device=device) * stride
            level[:, 1] = low
            level[:, 2] = high
            level[:, 3] = stride
            points.append(level)
        return points


@torch.no_grad()
def assign_targets(points: Tensor,
                   segments: Tensor,
                   labels: Tensor,
                   num_classes: int,
                   center_sample: str = 'radius',
                   center_sample_radius: float = 1.5) -> Tuple[Tensor, Tensor]:
    """Classes and distances that the points should predict.

    A point is a candidate for a segment if it lies inside it (with
    ``'radius'``: inside the part within ``center_sample_radius`` strides
    around its centre) and the farther end is within the level's range. It
    takes the shortest of them; its classes are those of all candidates that
    are as short.

    Args:
        points (Tensor): (P, 4), see :class:`PointGenerator`.
        segments (Tensor): (N, 2), on the feature grid; N may be 0.
        labels (Tensor): (N, ).
        num_classes (int): C.
        center_sample (str): ``'radius'`` or ``'none'``.
        center_sample_radius (float): In strides. Defaults to 1.5.

    Returns:
        tuple: Class targets (P, C), 0 or 1, and distances (P, 2) to start
        and end in strides, of use where a point has a class.
    """
    if len(segments) == 0:
        return (points.new_zeros(
            (len(points), num_classes)), points.new_zeros((len(points), 2)))
    time, low, high, stride = (column[:, None] for column in points.unbind(1))
    start, end = segments.to(points).unbind(1)
    left, right = time - start, end - time  # (P, N)
    inside = torch.minimum(left, right)
    if center_sample == 'radius':
        center = 0.5 * (start + end)
        reach = stride * center_sample_radius
        inside = torch.minimum(time - torch.maximum(center - reach, start),
                               torch.minimum(center + reach, end) - time)
    farthest = torch.maximum(left, right)
    candidate = (inside > 0) & (farthest >= low) & (farthest <= high)
    length = (end - start).expand_as(left)
    length = length.masked_fill(~candidate, float('inf'))
    shortest, chosen = length.min(1, keepdim=True)
    alike = candidate & (length <= shortest + SAME_LENGTH)
    # unlike one_hot, this does not wait for the device
    one_hot = labels[:, None] == torch.arange(
        num_classes, device=labels.device)
    classes = alike.to(points) @ one_hot.to(points)
    classes = classes.clamp(max=1).to(points)  # autocast leaves half precision
    distances = torch.cat((left.gather(1, chosen), right.gather(1, chosen)), 1)
    return classes, distances / stride
