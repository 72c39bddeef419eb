# Copyright (c) mmevad authors. All rights reserved.
"""What flows from the backbone to the heads."""
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

# height and width of clips without padding, in pixels
Shapes = Sequence[Tuple[int, int]]


class Padding(NamedTuple):
    """Where the clips of a batch end, kept if padding is to be masked.

    Attributes:
        grids (list[tuple[int]]): (h, w) of each clip's own token grid, that
            is of the clip padded alone.
        counts (list[int]): Tokens per time slice that hold any pixel of the
            clip.
        valid (Tensor): (B, h, w) of the batch's grid, False where a token
            holds padding only.
    """
    grids: List[Tuple[int, int]]
    counts: List[int]
    valid: Tensor

    @classmethod
    def from_shapes(cls, img_shapes: Optional[Shapes], grid: Tuple[int, int],
                    patch_size: int, divisor: int,
                    device: torch.device) -> 'Padding':
        """From unpadded (height, width) in pixels of each clip.

        Raises:
            ValueError: If there are none.
        """
        if img_shapes is None:
            raise ValueError('mask_padding needs the unpadded size of '
                             'each clip, img_shapes')
        grids, counts = [], []
        valid = torch.zeros((len(img_shapes), *grid), dtype=torch.bool)
        for mask, (height, width) in zip(valid, img_shapes):
            grids.append((-(-height // divisor) * divisor // patch_size,
                          -(-width // divisor) * divisor // patch_size))
            rows, cols = -(-height // patch_size), -(-width // patch_size)
            counts.append(rows * cols)
            mask[:rows, :cols] = True
        return cls(grids, counts, valid.to(device, non_blocking=True))

    def level_masks(self, scales: Sequence[float]) -> List[Tensor]:
        """Masks (B, 1, h_l, w_l) of keyframe maps resized by ``scales``."""
        valid = self.valid[:, None].float()
        return [F.interpolate(valid, scale_factor=s) for s in scales]


class VideoTokens(NamedTuple):
    """Output of :class:`KeyframeTokenPruneViT`.

    Attributes:
        tokens (Tensor): (B, N', C) surviving tokens after the last
            LayerNorm. The keyframe's come first, in row-major order (except
            with the selector ``unified``), the others in descending order of
            importance.
        ids (Tensor): (B, N') place of each token in the full map,
            ``(t * h + y) * w + x``.
        num_protected (int): Leading tokens that belong to the keyframe.
        grid (tuple[int]): (t, h, w) of the full map.
        keyframe_maps (tuple[Tensor]): (B, C, h_l, w_l) each, the keyframe's
            tokens at four depths and strides 4, 8, 16 and 32.
        valid (Tensor, optional): (B, N'), False for padding, which comes
            last among the unprotected tokens. None unless padding is masked.
        padding (Padding, optional): None unless padding is masked.
        map_masks (list[Tensor], optional): (B, 1, h_l, w_l) each, 0 where
            ``keyframe_maps`` hold padding. None unless padding is masked.
    """
    tokens: Tensor
    ids: Tensor
    num_protected: int
    grid: Tuple[int, int, int]
    keyframe_maps: Tuple[Tensor, ...]
    valid: Optional[Tensor] = None
    padding: Optional[Padding] = None
    map_masks: Optional[List[Tensor]] = None
