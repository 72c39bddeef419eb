# Copyright (c) mmevad authors. All rights reserved.
"""A step of a pipeline that fails once, in a data loading worker."""
import os
import signal

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

VARIABLE = 'MMEVAD_TEST_FAULT'  # kind of the fault and the item it meets


@TRANSFORMS.register_module(force=True)
class Fault(BaseTransform):
    """Does nothing unless the variable names the item's video.

    The variable is ``KIND:VIDEO``; ``memory`` asks for more memory than
    there is, ``kill`` ends the worker and ``denied`` reads a file that may
    not be read.
    """

    def transform(self, results: dict) -> dict:
        kind, _, video = os.environ.get(VARIABLE, '').partition(':')
        if results['video_name'] == video:
            if kind == 'memory':
                np.empty(1 << 50, np.uint8)
            elif kind == 'kill':
                os.kill(os.getpid(), signal.SIGKILL)
            elif kind == 'denied':
                raise PermissionError(13, 'Permission denied', video + '.npy')
        return results
