# Copyright (c) mmevad authors. All rights reserved.
"""The feature extractor that goes with a model."""
from typing import Optional, Union

import torch

from mmevad.utils.errors import DataError
from .clip_features import ClipFeatureExtractor
from .feature_sources import check_grid

ExtractorType = Union[str, dict, ClipFeatureExtractor]


def build_extractor(extractor: Optional[ExtractorType], dataset: dict,
                    device: torch.device) -> Optional[ClipFeatureExtractor]:
    """Build what turns videos into the features that a model takes.

    Args:
        extractor (str, dict or ClipFeatureExtractor, optional): A config,
            with the weights of the zoo; arguments of
            :class:`ClipFeatureExtractor`; or one.
        dataset (dict): Config of the :class:`SegmentDataset` of the model.
        device (torch.device): Where it runs.

    Returns:
        ClipFeatureExtractor, optional: None if there is none.

    Raises:
        DataError: If ``feat_stride`` is unknown, or the features are not
            placed as those the model was trained on.
    """
    if extractor is None:
        return None
    stride, frames = (
        dataset.get(key) for key in ('feat_stride', 'num_frames'))
    if not isinstance(extractor, ClipFeatureExtractor):
        if isinstance(extractor, str):
            extractor = dict(config=extractor)
        extractor = dict(
            dict(weights=None, feat_stride=stride, device=device), **extractor)
        if not extractor['feat_stride']:
            raise DataError(
                'The config does not say how many frames there are from '
                'one feature to the next; give the feature extractor '
                'feat_stride.')
        extractor = ClipFeatureExtractor(**extractor)
    check_grid(extractor.settings, stride, frames, 'the extractor')
    return extractor
