# Copyright (c) mmevad authors. All rights reserved.
"""Released checkpoints -> ours, as pure functions of state dicts.

Files are read, checked and written by ``tools/converters``.
"""
from .actionformer import convert_actionformer
from .evad import convert_evad
from .videomae import convert_videomae

__all__ = ['convert_actionformer', 'convert_evad', 'convert_videomae']
