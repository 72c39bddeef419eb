# Copyright (c) mmevad authors. All rights reserved.
from .ava_dataset import CheckedAVADataset
from .transforms import ClipBoxes

__all__ = ['CheckedAVADataset', 'ClipBoxes']
