# Copyright (c) mmevad authors. All rights reserved.
"""Released checkpoints -> ours, as pure functions of state dicts."""
from .evad import convert_evad

__all__ = ['convert_evad']
