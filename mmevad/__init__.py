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
from .version import __version__

__all__ = [
    '__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models'
]
