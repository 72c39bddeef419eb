# Copyright (c) mmevad authors. All rights reserved.
"""Models as files that run without mmevad: ONNX and ``torch.export``."""
from .actionformer import ActionFormerForExport, padded_length
from .check import Difference, compare, open_onnx, run_onnx, worst
from .evad import EVADForExport
from .outputs import localized, with_actors
from .programs import to_program, too_old, write_onnx, write_program

__all__ = [
    'ActionFormerForExport', 'Difference', 'EVADForExport', 'compare',
    'localized', 'open_onnx', 'padded_length', 'run_onnx', 'to_program',
    'too_old', 'with_actors', 'worst', 'write_onnx', 'write_program'
]
