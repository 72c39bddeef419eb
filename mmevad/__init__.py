# Copyright (c) mmevad authors. All rights reserved.
"""EVAD and ActionFormer for mmaction2 1.x.

Importing this package first makes the installed stack work (``compat``), then
registers everything in ``mmaction.registry``.
"""
# The stack has to work before anything else is imported.
# isort: off
from . import compat
from . import datasets, engine, evaluation, models
# isort: on
from mmaction import registry
from mmengine.registry import Registry

from .utils.arguments import check_registered
from .version import __version__

# wrong options of a config are named when a class is built
check_registered(
    (r for r in vars(registry).values() if isinstance(r, Registry)), __name__)
del registry, Registry, check_registered

__all__ = [
    '__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models'
]
