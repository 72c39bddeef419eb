# Copyright (c) mmevad authors. All rights reserved.
"""Drawn people who act: a synthetic data set for demos and tests only."""

from .actions import ACTIVITIES, LABELS, POSTURES
from .dataset import Settings, generate, summary

__all__ = [
    'ACTIVITIES', 'LABELS', 'POSTURES', 'Settings', 'generate', 'summary'
]
