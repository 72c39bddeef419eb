# Copyright (c) mmevad authors. All rights reserved.
"""Temporal segments: overlap, and seconds <-> feature grid."""
from dataclasses import dataclass

import torch
from torch import Tensor


def segment_iou(first: Tensor, second: Tensor, eps: float = 0.) -> Tensor:
    """Temporal IoU of all pairs.

    Args:
        first (Tensor): (N, 2) start and end.
        second (Tensor): (M, 2) start and end, in the same unit.
        eps (float): Added to every length. Defaults to 0.

    Returns:
        Tensor: (N, M) in [0, 1]; 0 where both segments have no length.
    """
    left = torch.maximum(first[:, None, 0], second[None, :, 0])
    right = torch.minimum(first[:, None, 1], second[None, :, 1])
    inter = (right - left).clamp(min=0)
    first_len = first[:, 1] - first[:, 0] + eps
    second_len = second[:, 1] - second[:, 0] + eps
    union = first_len[:, None] + second_len[None, :] - inter
    return torch.where(union > 0, inter / union, torch.zeros_like(union))


@dataclass(frozen=True)
class FeatureGrid:
    """Where the clip features of one video lie in time.

    Feature ``g`` is seen from frames ``[g * feat_stride,
    g * feat_stride + num_frames)``; its time is the middle of that window.

    Args:
        fps (float): Frames per second.
        feat_stride (float): Frames from one feature to the next.
        num_frames (float): Frames that one feature sees.
    """

    fps: float
    feat_stride: float
    num_frames: float

    def __post_init__(self) -> None:
        for name in ('fps', 'feat_stride', 'num_frames'):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f'{name} must be positive, got {getattr(self, name)}.')

    @property
    def offset(self) -> float:
        """Half a feature's window in units of the grid."""
        return 0.5 * self.num_frames / self.feat_stride

    def to_grid(self, seconds):
        """Seconds (number, array or tensor) -> grid."""
        return seconds * self.fps / self.feat_stride - self.offset

    def to_seconds(self, grid):
        """Grid (number, array or tensor) -> seconds."""
        return (grid * self.feat_stride + 0.5 * self.num_frames) / self.fps
