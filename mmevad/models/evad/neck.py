# Copyright (c) mmevad authors. All rights reserved.
"""Feature pyramid over the keyframe maps."""
from typing import List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmdet.models.necks import FPN
from torch import Tensor

from mmevad.utils.arguments import try_part
from mmevad.utils.ranges import (MAX_DEPTH, MAX_WEIGHTS, require_sizes,
                                 require_some, require_total)


@MODELS.register_module()
class KeyframeFPN(FPN):
    """mmdet's FPN that can keep padding out of its convolutions.

    Without masks it is mmdet's FPN (EVAD, Sec. 3.3). With masks, padded
    places are zero before every convolution, so that what lies behind the
    edge of a clip is the same whether the batch padded it or not.

    Args:
        in_channels (list[int]): Channels of each map.
        out_channels (int): Channels of each level.
        num_outs (int): Levels.
        **kwargs: Of mmdet's ``FPN``.

    Raises:
        ValueError: If a number of channels is none.
    """

    def __init__(self, in_channels: List[int], out_channels: int,
                 num_outs: int, **kwargs) -> None:
        require_some(in_channels=in_channels)
        require_sizes(in_channels=in_channels, out_channels=out_channels)
        require_sizes(MAX_DEPTH, num_outs=num_outs)
        require_total(
            MAX_WEIGHTS,
            out_channels * (sum(in_channels) +
                            9 * num_outs * max(*in_channels, out_channels)),
            'weights',
            in_channels=in_channels,
            out_channels=out_channels,
            num_outs=num_outs)
        super().__init__(in_channels, out_channels, num_outs, **kwargs)
        try_part(self, 'its options', self._try)

    def _try(self) -> Tensor:
        """Smallest level of small maps."""
        count, training = len(self.in_channels), self.training
        sides = [2**min(count - i, 4) for i in range(count)]
        maps = [
            torch.zeros(1, c, side, side)
            for c, side in zip(self.in_channels, sides)
        ]
        levels = self.eval()(maps)
        self.train(training)
        return levels[-1]

    def forward(self,
                inputs: Sequence[Tensor],
                masks: Optional[List[Tensor]] = None) -> Tuple[Tensor, ...]:
        """Build the pyramid.

        Args:
            inputs (list[Tensor]): Keyframe maps (B, C, h_l, w_l), finest
                first.
            masks (list[Tensor], optional): (B, 1, h_l, w_l), 0 for padding.

        Returns:
            tuple[Tensor]: (B, out_channels, h_l, w_l) each.
        """
        if masks is None:
            return super().forward(inputs)
        laterals = [
            conv(x * m) * m
            for conv, x, m in zip(self.lateral_convs, inputs, masks)
        ]
        for i in range(len(laterals) - 1, 0, -1):
            laterals[i - 1] = laterals[i - 1] + masks[i - 1] * F.interpolate(
                laterals[i],
                size=laterals[i - 1].shape[2:],
                **self.upsample_cfg)
        return tuple(
            conv(x) * m for conv, x, m in zip(self.fpn_convs, laterals, masks))
