# Copyright (c) mmevad authors. All rights reserved.
from .ava_dataset import CheckedAVADataset
from .ava_kinetics_dataset import CheckedAVAKineticsDataset
from .seeded_items import SeededIndex, SeededItems, SeededSampler
from .segment_dataset import SegmentDataset
from .transforms import (ClipBoxes, CutSegmentsToFeatures, DownsampleFeatures,
                         LoadSegmentFeatures, PackSegmentInputs,
                         RandomCropSegments, ResizeFeatures, SecondsToGrid,
                         VideoFrameDecode)
from .tube_dataset import TubeDataset

__all__ = [
    'CheckedAVADataset', 'CheckedAVAKineticsDataset', 'ClipBoxes',
    'CutSegmentsToFeatures', 'DownsampleFeatures', 'LoadSegmentFeatures',
    'PackSegmentInputs', 'RandomCropSegments', 'ResizeFeatures',
    'SecondsToGrid', 'SeededIndex', 'SeededItems', 'SeededSampler',
    'SegmentDataset', 'TubeDataset', 'VideoFrameDecode'
]
