# Copyright (c) mmevad authors. All rights reserved.
"""mmcv-lite, and mmcv from its source archive, come without ``mmcv._ext``.

Every module of ``mmcv.ops`` asks that extension for its functions when it is
imported, so ``import mmdet.models`` fails. The stand-in answers for all of
them: the operators of :mod:`mmevad.compat.mmcv_ops` compute, every other one
raises when it is called, not when it is imported.
"""
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType
from typing import Callable

from .import_hooks import provide
from .report import Report, module_folder

EXTENSION = 'mmcv._ext'
HOW_TO_COMPILE = (
    'pip uninstall -y mmcv mmcv-lite; pip install "setuptools<81" wheel ninja '
    'psutil; pip install --no-build-isolation mmcv==2.1.0')


def is_missing() -> bool:
    """Whether mmcv is installed without its compiled extension."""
    mmcv = module_folder('mmcv')
    if mmcv is None:
        return False
    return not any(
        os.path.isfile(os.path.join(mmcv, '_ext' + suffix))
        for suffix in EXTENSION_SUFFIXES)


def _not_compiled(name: str) -> Callable:

    def raise_when_called(*args, **kwargs):
        raise NotImplementedError(
            f'mmcv.ops needs the compiled function {name!r}, which mmevad has '
            'no replacement for: install compiled mmcv, from '
            'https://github.com/open-mmlab/mmcv or with '
            f'`{HOW_TO_COMPILE}`.')

    raise_when_called.__name__ = name
    return raise_when_called


def _fill(module: ModuleType) -> None:
    from . import mmcv_ops

    def __getattr__(name: str) -> Callable:
        if name.startswith('_'):
            raise AttributeError(
                f'module {EXTENSION!r} has no attribute {name!r}')
        return _not_compiled(name)

    for name in mmcv_ops.__all__:
        setattr(module, name, getattr(mmcv_ops, name))
    module.__getattr__ = __getattr__


def _repair_transformer() -> None:
    """Give a module imported before us the class it could not import."""
    module = sys.modules.get('mmcv.cnn.bricks.transformer')
    if module is not None:
        from mmcv.ops.multi_scale_deform_attn import \
            MultiScaleDeformableAttention
        module.MultiScaleDeformableAttention = MultiScaleDeformableAttention


def apply() -> Report:
    name = 'mmcv._ext is not compiled'
    if not is_missing():
        return Report(name, False, 'nothing')
    provide(EXTENSION, _fill)
    _repair_transformer()
    return Report(
        name, True, 'RoIAlign, NMS, soft-NMS and sigmoid focal loss in '
        'PyTorch; other operators raise when called')
