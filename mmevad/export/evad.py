# Copyright (c) mmevad authors. All rights reserved.
"""EVAD from tensors to tensors."""
from typing import Dict, Optional, Tuple

import torch
from torch import Tensor, nn

from mmevad.models.evad import EVAD
from mmevad.utils.errors import DataError


class EVADForExport(nn.Module):
    """EVAD for clips of one size, with all of its preprocessing but resizing.

    The number of tokens that each block keeps is fixed with the size.

    Args:
        model (EVAD): In evaluation mode.
        size (tuple[int]): Height and width of the padded clips, in pixels.
        batch_size (int): Clips. Defaults to 1.

    Raises:
        DataError: If the size is no multiple of what the backbone wants, or
            what the model keeps depends on more than the size.
    """

    input_names = ('clip', 'image_size')
    output_names = ('boxes', 'person_scores', 'action_scores', 'token_ids')

    def __init__(self,
                 model: EVAD,
                 size: Tuple[int, int],
                 batch_size: int = 1) -> None:
        super().__init__()
        backbone = model.backbone
        if backbone.mask_padding:
            raise DataError(
                'A model with mask_padding keeps a number of tokens that '
                'depends on the image, which cannot be exported; set '
                'mask_padding=False, as the released model has it.')
        if backbone.selector == 'random':
            raise DataError("selector='random' chooses other tokens each "
                            "time, which cannot be exported; use 'gap'.")
        divisor = backbone.size_divisor
        if any(side < 1 or side % divisor for side in size):
            raise DataError(f'size={tuple(size)} must be height and width in '
                            f'pixels, multiples of {divisor}.')
        self.model = model
        self.size = tuple(size)
        self.batch_size = batch_size
        self.frames = backbone.position.grid[0] * backbone.tubelet_size

    def forward(self, clip: Tensor,
                image_size: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Detect.

        Args:
            clip (Tensor): (B, 3, T, H, W) uint8, as the test pipeline gives
                it. What lies to the right of and below the image does not
                count.
            image_size (Tensor): (B, 2) int64, height and width of the images
                in the clips, in pixels.

        Returns:
            tuple: ``boxes`` (B, n, 4) xyxy divided by the size of the image,
            ``person_scores`` (B, n), ``action_scores`` (B, n, classes) and
            ``token_ids`` (B, N') int64, the kept tokens' places in the full
            map of tokens, ``(t * h + y) * w + x``.
        """
        model = self.model
        height, width = image_size.unbind(1)
        whwh = torch.stack((width, height, width, height), 1).float()
        video = model.backbone(self._normalise(clip, height, width))
        maps = model.neck(video.keyframe_maps)
        actors = model.actor_head(maps, whwh)[-1]
        logits = model.context_decoder(video, actors.boxes, whwh)[-1]
        boxes, persons, actions = model.score(actors, logits, whwh)
        return boxes, persons[..., 0], actions, video.ids

    def _normalise(self, clip: Tensor, height: Tensor,
                   width: Tensor) -> Tensor:
        """As :class:`EVADDataPreprocessor`, of a padded batch."""
        own = self.model.data_preprocessor
        if own.to_rgb:
            clip = clip.flip(1)
        clip = clip.float()
        if own._enable_normalize:
            clip = (clip - own.mean) / own.std
        rows = torch.arange(self.size[0], device=clip.device)[None, :, None]
        columns = torch.arange(self.size[1], device=clip.device)
        inside = ((rows < height[:, None, None]) &
                  (columns < width[:, None, None]))
        return clip * inside[:, None, None].float()

    def example(self,
                image_size: Optional[Tuple[int, int]] = None,
                seed: int = 0) -> Tuple[Tensor, Tensor]:
        """Inputs of random pixels.

        Args:
            image_size (tuple[int], optional): Height and width of the
                images. Defaults to None: that of the clip.
            seed (int): Defaults to 0.
        """
        clip = torch.randint(
            256, (self.batch_size, 3, self.frames, *self.size),
            generator=torch.Generator().manual_seed(seed),
            dtype=torch.uint8)
        sizes = torch.tensor([image_size or self.size] * self.batch_size)
        return clip, sizes

    def dynamic_shapes(self) -> None:
        """Nothing: all shapes are fixed."""
        return None

    def metadata(self) -> Dict[str, str]:
        """What a user of the file needs to know."""
        return dict(
            clip='uint8 NCTHW, the images at the top left',
            image_size='height and width of the images, in pixels',
            boxes='x1 y1 x2 y2 divided by width and height of the image',
            person_score_thr=str(self.model.person_score_thr),
            keep_rate=str(list(self.model.backbone.keep_rates.values())))
