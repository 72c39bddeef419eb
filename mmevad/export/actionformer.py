# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer from tensors to tensors."""
from typing import Dict, Optional, Tuple

import torch
from torch import Tensor, nn

from mmevad.models.actionformer import ActionFormer
from mmevad.models.actionformer.padding import (enough_padding, group_videos,
                                                released_length)

MAX_LENGTH = 1_000_000  # features; 46 hours at six a second


def padded_length(model: ActionFormer, length: int) -> int:
    """Frames to pad a video to, so that it scores as in the test.

    Args:
        model (ActionFormer): What scores it.
        length (int): Frames of the video.
    """
    neck = model.neck
    stride, args = neck.strides[-1], (neck.max_seq_len, neck.length_divisor)
    if neck.use_abs_pe:  # the position is stretched to all frames
        return released_length(length, *args)
    if neck.strict_mask:  # any number would do
        return enough_padding(length, stride)
    return group_videos([length], *args, stride, reach=model.reach)[0][1]


class ActionFormerForExport(nn.Module):
    """ActionFormer up to what goes to NMS, for videos of any length.

    Args:
        model (ActionFormer): In evaluation mode.
        batch_size (int): Videos. Defaults to 1.
    """

    input_names = ('features', 'lengths')
    output_names = ('logits', 'distances', 'points', 'valid')

    def __init__(self, model: ActionFormer, batch_size: int = 1) -> None:
        super().__init__()
        self.model = model
        self.batch_size = batch_size
        #: frames that the inputs have at least
        self.min_length = model.neck.strides[-1] + 1

    def forward(self, features: Tensor,
                lengths: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict for every point.

        Args:
            features (Tensor): (B, C, T) float32, padded, see
                :func:`padded_length`; what padding holds does not count.
            lengths (Tensor): (B, ) int64, frames of the videos.

        Returns:
            tuple: For the P points of all levels, finest first, ``logits``
            (B, P, classes), ``distances`` (B, P, 2) to start and end of the
            action in units of the point's stride, ``points`` (P, 4): place on
            the grid of features, least and greatest distance, stride; and
            ``valid`` (B, P) bool, False for padding. The segment of a point
            is ``place - distances[0] * stride`` to ``place + distances[1] *
            stride``.
        """
        neck, head = self.model.neck, self.model.head
        frames = torch.arange(features.size(2), device=features.device)
        mask = (frames < lengths[:, None])[:, None]
        levels, masks = neck(
            features.where(mask, 0.), mask,
            features.size(2) if neck.use_abs_pe else None)
        logits, distances = head(levels, masks)
        return (torch.cat(logits, 1), torch.cat(distances, 1),
                torch.cat(head.points(logits)), torch.cat(masks, 2)[:, 0])

    def pad(self, features: Tensor) -> Tuple[Tensor, Tensor]:
        """Inputs (1, C, T') and (1, ) for features (C, T) of a video."""
        length = features.size(1)
        behind = padded_length(self.model, length) - length
        return (nn.functional.pad(features,
                                  (0, behind))[None], torch.tensor([length]))

    def example(self,
                length: Optional[int] = None,
                seed: int = 0) -> Tuple[Tensor, Tensor]:
        """Inputs of random features.

        Args:
            length (int, optional): T. Defaults to None: some that is none of
                the numbers that the model is made of.
            seed (int): Defaults to 0.
        """
        neck = self.model.neck
        length = length or 2 * neck.max_seq_len + 3 * neck.strides[-1] + 1
        features = torch.randn((self.batch_size, neck.in_channels, length),
                               generator=torch.Generator().manual_seed(seed))
        return features, torch.full((self.batch_size, ), length)

    def dynamic_shapes(self) -> Tuple[dict, dict]:
        """T is."""
        length = torch.export.Dim('T', min=self.min_length, max=MAX_LENGTH)
        return {2: length}, {}

    def metadata(self) -> Dict[str, str]:
        """What a user of the file needs to know."""
        neck = self.model.neck
        longest, divisor = neck.max_seq_len, neck.length_divisor
        stride = neck.strides[-1]
        released = (f'{longest} frames, or if there are more to a multiple of '
                    f'{divisor}')
        behind = self.model.reach * stride
        enough = f'{behind} frames more than a multiple of {stride}'
        if neck.use_abs_pe:
            padding = f'zeros up to {released}'
        elif neck.strict_mask:
            padding = f'zeros up to at least {self.min_length} frames'
        else:
            padding = (f'zeros up to {enough}, not less than the video has, '
                       f'but no more than {released}')
        return dict(
            padding=padding,
            segments='place - distances[0] * stride, place + distances[1] * '
            'stride; columns 0 and 3 of points are place and stride',
            scores='sigmoid(logits), where valid')
