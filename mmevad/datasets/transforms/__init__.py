# Copyright (c) mmevad authors. All rights reserved.
"""Transforms that mmaction2 lacks."""
from .boxes import ClipBoxes

__all__ = ['ClipBoxes']
