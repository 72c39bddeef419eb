# Copyright (c) mmevad authors. All rights reserved.
from .ava_dataset import CheckedAVADataset
from .segment_dataset import SegmentDataset
from .transforms import (ClipBoxes, CutSegmentsToFeatures, DownsampleFeatures,
                         LoadSegmentFeatures, PackSegmentInputs,
                         RandomCropSegments, ResizeFeatures, SecondsToGrid)

__all__ = [
    'CheckedAVADataset', 'ClipBoxes', 'CutSegmentsToFeatures',
    'DownsampleFeatures', 'LoadSegmentFeatures', 'PackSegmentInputs',
    'RandomCropSegments', 'ResizeFeatures', 'SecondsToGrid', 'SegmentDataset'
]
