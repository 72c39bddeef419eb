# Copyright (c) mmevad authors. All rights reserved.
"""``mmcv.ops.info``: environment dumps call it, so it must not raise."""


def get_compiler_version() -> str:
    return 'none (mmcv._ext is not compiled, mmevad stands in)'


def get_compiling_cuda_version() -> str:
    return 'not available'
