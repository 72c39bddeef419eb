# Copyright (c) mmevad authors. All rights reserved.
"""Transforms that mmaction2 lacks."""
from .boxes import ClipBoxes
from .segment_features import (DownsampleFeatures, LoadSegmentFeatures,
                               PackSegmentInputs, ResizeFeatures)
from .segments import CutSegmentsToFeatures, RandomCropSegments, SecondsToGrid
from .videos import VideoFrameDecode

__all__ = [
    'ClipBoxes', 'CutSegmentsToFeatures', 'DownsampleFeatures',
    'LoadSegmentFeatures', 'PackSegmentInputs', 'RandomCropSegments',
    'ResizeFeatures', 'SecondsToGrid', 'VideoFrameDecode'
]
