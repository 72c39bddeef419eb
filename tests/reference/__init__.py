# Copyright (c) mmevad authors. All rights reserved.
"""Plain models that follow the released design, to compare with.

Written for reading: every attention map exists, every image, level and class
has its turn in a Python loop. They hold the modules of ours and use nothing
but their weights, so both give the same numbers.
"""
from .actionformer import PlainActionFormer
from .evad import PlainEVAD

__all__ = ['PlainActionFormer', 'PlainEVAD']
