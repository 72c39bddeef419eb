# Copyright (c) mmevad authors. All rights reserved.
"""Data structures and their geometry."""
from .segments import FeatureGrid, segment_iou

__all__ = ['FeatureGrid', 'segment_iou']
