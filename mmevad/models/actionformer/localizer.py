# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer: neck and head, wired."""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType, OptSampleList
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmevad.utils.arguments import build_part
from ...utils.errors import DataError
from ..batches import check_batch
from .layers import to_autocast
from .padding import ceil_to, enough_padding, group_videos, released_length


@MODELS.register_module()
class ActionFormer(BaseModel):
    """Temporal action localization over clip features.

    Zhang et al., *ActionFormer: Localizing Moments of Actions with
    Transformers*, ECCV 2022 (arXiv 2202.07925).

    Args:
        neck (dict): :class:`ActionFormerNeck`.
        head (dict): :class:`ActionFormerHead`.
        data_preprocessor (dict, optional): None: mmengine's, which only moves
            the data.
        init_cfg (dict, optional): mmengine initialisation.

    Raises:
        ValueError: If strides or ``strict_mask`` of neck and head differ.
    """

    def __init__(self,
                 neck: ConfigType,
                 head: ConfigType,
                 data_preprocessor: Union[ConfigType, nn.Module, None] = None,
                 init_cfg: OptConfigType = None) -> None:
        if isinstance(data_preprocessor, dict):
            data_preprocessor = build_part(self, 'data_preprocessor',
                                           data_preprocessor, MODELS)
        super().__init__(data_preprocessor, init_cfg)
        self.neck = build_part(self, 'neck', neck, MODELS)
        self.head = build_part(self, 'head', head, MODELS)
        width = getattr(self.neck, 'out_channels', None)
        wanted = getattr(self.head, 'in_channels', None)
        if None not in (width, wanted) and width != wanted:
            raise ValueError(f'in_channels={wanted} of the head is not '
                             f'{width}, what the neck gives')
        strides = self.head.point_generator.strides
        if strides != self.neck.strides:
            raise ValueError(
                f'the levels of the neck have strides {self.neck.strides} '
                f'but those of the PointGenerator are {strides}; match '
                'strides and regress_ranges of the head to arch of the neck')
        if self.neck.strict_mask != self.head.strict_mask:
            raise ValueError('strict_mask must be the same in neck and head, '
                             f'got {self.neck.strict_mask} and '
                             f'{self.head.strict_mask}')

    @property
    def reach(self) -> int:
        """Frames that the widest convolution sees on each side."""
        return max(conv.kernel_size[0] // 2 for conv in self.modules()
                   if isinstance(conv, nn.Conv1d))

    def forward(self,
                inputs: Sequence[Tensor],
                data_samples: OptSampleList = None,
                mode: str = 'tensor') -> Union[dict, list, tuple]:
        """Run the model.

        Args:
            inputs (list[Tensor]): Features (C, T_i) of each video.
            data_samples (list[ActionDataSample], optional): Metainfo
                ``video_name``; for predictions ``fps``, ``feat_stride``,
                ``num_frames`` and ``duration``. ``gt_instances`` for the
                loss: ``segments`` (N, 2) on the feature grid and ``labels``
                (N, ).
            mode (str): ``'loss'``, ``'predict'`` or ``'tensor'``.

        Returns:
            dict, list or tuple: ``'loss'``: the loss terms. ``'predict'``:
            the samples with ``pred_instances``: ``segments`` (M, 2) in
            seconds, ``scores`` and ``labels`` (M, ), best first.
            ``'tensor'``: for each level class logits (B, T_l, C), distances
            (B, T_l, 2) and masks (B, 1, T_l), padded as in the released
            model.

        Raises:
            DataError: If features are not finite or of another width, or a
                training video is longer than ``max_seq_len``; names the
                video.
            ValueError: See :func:`check_batch`.
        """
        check_batch(inputs, data_samples, mode)
        if not len(inputs):
            return []
        self._check(inputs, data_samples)
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if self.training:
            self._training_length(inputs, data_samples)  # or an error
            args = (self.neck.max_seq_len, )
        else:
            args = (self._test_length(inputs), ) * 2
        levels, masks = self.extract_feat(inputs, *args)
        return (*self.head(levels, masks), masks)

    def _check(self, inputs: Sequence[Tensor],
               data_samples: OptSampleList) -> None:
        """Refuse features that no result can come from."""
        channels = self.neck.in_channels
        # a sum is finite only if all of its terms are, and nearly always then
        finite = torch.stack([feats.sum() for feats in inputs]).isfinite()
        for i, (feats, good) in enumerate(zip(inputs, finite.tolist())):
            if good and feats.size(0) == channels and feats.size(-1):
                continue
            name = data_samples and data_samples[i].get('video_name')
            if feats.size(0) != channels or not feats.size(-1):
                raise DataError(
                    f'features of video {name!r} are of shape '
                    f'{tuple(feats.shape)}, expected ({channels}, T), T > 0; '
                    'set in_channels of the neck to what they have.')
            bad = (~feats.isfinite()).any(0).nonzero()
            if len(bad):
                raise DataError(
                    f'features of video {name!r} are NaN or infinite, first '
                    f'at feature {int(bad[0])} of {feats.size(-1)}; extract '
                    'them anew or leave the video out.')

    def _training_length(self,
                         inputs: Sequence[Tensor],
                         data_samples: OptSampleList = None) -> int:
        """As good as ``max_seq_len``, and often less."""
        limit, stride = self.neck.max_seq_len, self.neck.strides[-1]
        for i, feats in enumerate(inputs):
            if feats.size(-1) > limit:
                name = data_samples and data_samples[i].get('video_name')
                raise DataError(
                    f'training video {name!r} has {feats.size(-1)} features '
                    f'but max_seq_len of the neck is {limit}; let the '
                    'pipeline crop it (RandomCropSegments) or raise '
                    'max_seq_len.')
        longest = max(feats.size(-1) for feats in inputs)
        if self.neck.strict_mask:
            return min(limit, ceil_to(longest, stride))
        return min(limit, enough_padding(longest, stride, self.reach))

    def _test_length(self, inputs: Sequence[Tensor]) -> int:
        return max(
            released_length(
                feats.size(-1), self.neck.max_seq_len,
                self.neck.length_divisor) for feats in inputs)

    def extract_feat(
        self,
        inputs: Sequence[Tensor],
        length: int,
        stretch: Optional[int] = None
    ) -> Tuple[Tuple[Tensor, ...], Tuple[Tensor, ...]]:
        """Pyramid of a batch.

        Args:
            inputs (list[Tensor]): Features (C, T_i).
            length (int): Frames T to pad them to.
            stretch (int, optional): See :class:`ActionFormerNeck`.

        Returns:
            tuple: Levels (B, D, T_l) and masks (B, 1, T_l).
        """
        like = to_autocast(next(self.parameters())[:0])
        # channels last, as the neck wants them
        batch = like.new_empty((len(inputs), length, inputs[0].size(0)))
        mask = batch.new_zeros((len(inputs), 1, length), dtype=torch.bool)
        for row, valid, feats in zip(batch, mask, inputs):
            row[:feats.size(-1)] = feats.to(like).t()
            row[feats.size(-1):] = 0
            valid[:, :feats.size(-1)] = True
        return self.neck(batch.transpose(1, 2), mask, stretch)

    def loss(self, inputs: Sequence[Tensor],
             data_samples: Sequence) -> Dict[str, Tensor]:
        """``loss_cls`` and ``loss_reg``, see :class:`ActionFormerHead`."""
        levels, masks = self.extract_feat(
            inputs, self._training_length(inputs, data_samples))
        return self.head.loss(levels, masks, data_samples)

    def predict(self, inputs: Sequence[Tensor],
                data_samples: Sequence) -> List:
        """Add ``pred_instances``; videos score as they would alone."""
        neck = self.neck
        groups = group_videos([feats.size(-1)
                               for feats in inputs], neck.max_seq_len,
                              neck.length_divisor, neck.strides[-1],
                              neck.use_abs_pe, neck.strict_mask, self.reach)
        for members, length in groups:
            feats = [inputs[i] for i in members]
            levels, masks = self.extract_feat(feats, length,
                                              self._test_length(feats[:1]))
            samples = [data_samples[i] for i in members]
            found = self.head.predict(levels, masks, samples)
            for sample, instances in zip(samples, found):
                sample.pred_instances = instances
        return list(data_samples)
