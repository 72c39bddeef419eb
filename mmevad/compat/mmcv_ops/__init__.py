# Copyright (c) mmevad authors. All rights reserved.
"""Replacements for functions of ``mmcv._ext``, under the same names.

They take the same tensors, fill the same output tensors in place and agree
with the compiled functions to 1e-5.
"""
from .build_info import get_compiler_version, get_compiling_cuda_version
from .focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from .nms import nms
from .roi_align import roi_align_backward, roi_align_forward
from .soft_nms import softnms

__all__ = [
    'get_compiler_version', 'get_compiling_cuda_version', 'nms',
    'roi_align_backward', 'roi_align_forward', 'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward', 'softnms'
]
