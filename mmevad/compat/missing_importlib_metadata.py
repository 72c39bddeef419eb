# Copyright (c) mmevad authors. All rights reserved.
"""mmaction2 1.2.0 imports ``importlib_metadata`` without declaring it.

mmevad's requirements name it; where it was left out all the same, the same
module of the standard library answers.
"""
import importlib.metadata
from importlib.util import find_spec
from types import ModuleType

from .import_hooks import provide
from .report import Report

PACKAGE = 'importlib_metadata'


def _fill(module: ModuleType) -> None:
    for name in importlib.metadata.__all__:
        setattr(module, name, getattr(importlib.metadata, name))


def apply() -> Report:
    name = 'importlib_metadata is not installed'
    if find_spec(PACKAGE) is not None:
        return Report(name, False, 'nothing')
    provide(PACKAGE, _fill)
    return Report(name, True, 'the standard importlib.metadata answers')
