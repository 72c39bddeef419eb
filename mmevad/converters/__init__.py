# Copyright (c) mmevad authors. All rights reserved.
"""Released checkpoints -> ours, as pure functions of state dicts."""
from .actionformer import convert_actionformer
from .evad import convert_evad

__all__ = ['convert_actionformer', 'convert_evad']
