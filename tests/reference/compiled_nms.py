# Copyright (c) mmevad authors. All rights reserved.
"""The compiled loop of Soft-NMS, for its speed; needs a C++ compiler."""
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from .soft_nms import Selection

SOURCE = Path(__file__).with_name('soft_nms.cpp')


@functools.lru_cache(maxsize=None)
def _library() -> Optional[ctypes.CDLL]:
    compiler = shutil.which(os.environ.get('CXX', 'c++'))
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'soft_nms.so'
        subprocess.run([
            compiler, '-O3', '-shared', '-fPIC', '-o',
            str(path),
            str(SOURCE)
        ],
                       check=True)
        library = ctypes.CDLL(str(path))
    library.soft_nms.restype = ctypes.c_int64
    return library


def compiled_soft() -> Optional[Callable[..., Selection]]:
    """What takes the place of ``soft_nms.soft``; None without compiler."""
    return None if _library() is None else _soft


def _soft(segments: np.ndarray, scores: np.ndarray, method: str, sigma: float,
          iou_threshold: float, min_score: float) -> Selection:
    segments, scores = segments.copy(), scores.copy()
    index = np.arange(len(scores), dtype=np.int64)
    pointers = [
        ctypes.c_void_p(array.ctypes.data)
        for array in (segments, scores, index)
    ]
    left = _library().soft_nms(*pointers, ctypes.c_int64(len(scores)),
                               ctypes.c_int(method == 'linear'),
                               ctypes.c_float(sigma),
                               ctypes.c_float(iou_threshold),
                               ctypes.c_float(min_score))
    return index[:left], scores[:left]
