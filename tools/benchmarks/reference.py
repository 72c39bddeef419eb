# Copyright (c) mmevad authors. All rights reserved.
"""The plain models of tests/reference, next to the source tree."""
import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def reference(name: str = '') -> ModuleType:
    """``tests.reference`` or a module of it.

    Raises:
        SystemExit: If there are no tests here.
    """
    if not (ROOT / 'tests/reference/__init__.py').exists():
        raise SystemExit(
            f'{ROOT} has no tests/reference with the plain models that this '
            'command compares with; run tools/benchmark.py of a source tree, '
            'not of an installed package.')
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module('tests.reference' + (name and f'.{name}'))


def config_file(name: str) -> Path:
    """A config of the source tree, or a path as it is."""
    path = ROOT / 'configs' / name
    return path if path.exists() else Path(name)
