# Copyright (c) mmevad authors. All rights reserved.
"""EVADDataPreprocessor: clips of any size -> one padded batch."""
from typing import List, Tuple

import torch
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from mmevad.utils.ranges import require_sizes


@MODELS.register_module()
class EVADDataPreprocessor(ActionDataPreprocessor):
    """Normalise clips, then pad them right and bottom with zeros.

    mmaction2's preprocessor pads before it normalises, so that padding is
    not zero for the model.

    Args:
        size_divisor (int): Batches are padded to a multiple of it. Defaults
            to 32.
        **kwargs: Of mmaction2's ``ActionDataPreprocessor``; mean and std are
            in the range of the clips, [0, 255]. ``format_shape`` is NCTHW.
    """

    def __init__(self, size_divisor: int = 32, **kwargs) -> None:
        super().__init__(format_shape='NCTHW', **kwargs)
        require_sizes(size_divisor=size_divisor)
        self.size_divisor = size_divisor

    def preprocess(self,
                   inputs: List[Tensor],
                   data_samples: SampleList,
                   training: bool = False) -> Tuple[Tensor, SampleList]:
        """Batch clips (3, T, H_i, W_i) to (B, 3, T, H, W).

        Sets ``img_shape`` of each sample to its unpadded (height, width).

        Raises:
            ValueError: If clips differ in their number of frames.
        """
        lengths = sorted({clip.shape[-3] for clip in inputs})
        if len(lengths) > 1:
            raise ValueError(f'clips of {lengths} frames cannot share a batch')
        height, width = (-(-max(clip.shape[d]
                                for clip in inputs) // self.size_divisor) *
                         self.size_divisor for d in (-2, -1))
        # bytes become numbers where these stay, without copies in between
        batch = torch.empty((len(inputs), *inputs[0].shape[:2], height, width),
                            device=inputs[0].device)
        for row, clip in zip(batch, inputs):
            h, w = clip.shape[-2:]
            row[..., h:, :] = 0
            row[..., :h, w:] = 0
            row = row[..., :h, :w]
            row.copy_(clip.flip(0) if self.to_rgb else clip)
            if self._enable_normalize:
                row.sub_(self.mean).div_(self.std)
        for clip, sample in zip(inputs, data_samples or []):
            sample.set_metainfo(dict(img_shape=tuple(clip.shape[-2:])))
        return batch, data_samples
