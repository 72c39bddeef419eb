# Copyright (c) mmevad authors. All rights reserved.
"""mmaction2, mmdet and mmcv use names that NumPy has dropped.

NumPy itself stays as it is: only in the modules listed here, ``np`` becomes a
view of NumPy that still knows the old names.
"""
from types import ModuleType

import numpy

from .import_hooks import after_import
from .report import Report

MODULES = (
    'mmaction.datasets.transforms.pose_transforms',
    'mmaction.evaluation.functional.accuracy',
    'mmaction.evaluation.functional.ava_evaluation.metrics',
    'mmaction.evaluation.metrics.multimodal_metric',
    'mmaction.utils.misc',
    'mmcv.ops.pixel_group',
    'mmdet.datasets.transforms.text_transformers',
    'mmdet.evaluation.functional.ytviseval',
)

# old name -> the name that replaced it, or what it stood for
OLD_NAMES = {
    'NAN': numpy.nan,
    'Inf': numpy.inf,
    'float': float,
    'long': numpy.int_,
    'in1d': numpy.isin,
    'trapz': getattr(numpy, 'trapezoid', None) or getattr(numpy, 'trapz'),
}


class _NumpyWithOldNames(ModuleType):

    def __getattr__(self, name: str):
        # NumPy first: what it still has (some with a warning) stays its own
        try:
            return getattr(numpy, name)
        except AttributeError:
            if name in OLD_NAMES:
                return OLD_NAMES[name]
            raise


_view = _NumpyWithOldNames('numpy')


def _patch(module: ModuleType) -> None:
    if getattr(module, 'np', None) is numpy:
        module.np = _view


def apply() -> Report:
    dropped = [name for name in OLD_NAMES if not hasattr(numpy, name)]
    name = 'NumPy aliases that OpenMMLab uses are gone'
    if not dropped:
        return Report(name, False, 'nothing')
    for module in MODULES:
        after_import(module, _patch)
    return Report(
        name, True, ', '.join(f'np.{old}' for old in dropped) +
        ' answered inside the modules that use them')
