# Copyright (c) mmevad authors. All rights reserved.
"""EVADDataPreprocessor: clips of any size -> one padded batch."""
from typing import List, Optional, Sequence, Tuple

import torch
from mmaction.models import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from mmevad.utils.ranges import require_between, require_sizes, require_some


@MODELS.register_module()
class EVADDataPreprocessor(ActionDataPreprocessor):
    """Normalise clips, then pad them right and bottom with zeros.

    mmaction2's preprocessor pads before it normalises, so that padding is
    not zero for the model.

    Args:
        size_divisor (int): Batches are padded to a multiple of it. Defaults
            to 32.
        mean, std (list[float], optional): Of each channel or of all, in the
            range of the clips, [0, 255]. Defaults to None: clips are not
            normalised.
        to_rgb (bool): Reverse the order of the channels. Defaults to False.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self,
                 size_divisor: int = 32,
                 mean: Optional[Sequence[float]] = None,
                 std: Optional[Sequence[float]] = None,
                 to_rgb: bool = False) -> None:
        require_sizes(size_divisor=size_divisor)
        require_some(mean=mean, std=std)
        require_between(0, 255, mean=mean)
        require_between(1e-3, 255, std=std)
        if (mean is None) != (std is None):
            raise ValueError('mean and std go together: give both or none')
        if mean is not None and len(mean) != len(std):
            raise ValueError(f'mean={list(mean)} and std={list(std)} must be '
                             'of the same length')
        super().__init__(mean, std, to_rgb, format_shape='NCTHW')
        self.size_divisor = size_divisor

    def preprocess(self,
                   inputs: List[Tensor],
                   data_samples: SampleList,
                   training: bool = False) -> Tuple[Tensor, SampleList]:
        """Batch clips (3, T, H_i, W_i) to (B, 3, T, H, W).

        Sets ``img_shape`` of each sample to its unpadded (height, width).

        Raises:
            ValueError: If there are none, or they differ in their number of
                frames.
        """
        if not len(inputs):
            raise ValueError('a batch needs at least one clip')
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
