# Copyright (c) mmevad authors. All rights reserved.
"""What each file of this folder found and did, and the installed versions."""
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import List, NamedTuple, Optional, Sequence, Tuple

PACKAGES = ('torch', 'torchvision', 'numpy', 'mmengine', 'mmcv', 'mmcv-lite',
            'mmdet', 'mmaction2', 'openmim', 'setuptools', 'mmevad')


class Report(NamedTuple):
    """One line of the table of ``python -m mmevad.compat``."""
    breakage: str
    present: bool
    done: str


def installed_version(package: str) -> Optional[str]:
    """Version of an installed distribution, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def module_folder(name: str) -> Optional[str]:
    """Folder of a top-level package, found without importing it, or None."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return os.path.abspath(list(spec.submodule_search_locations)[0])


def versions() -> List[Tuple[str, str]]:
    """(name, version) of Python and of every package that matters here."""
    found = [(name, installed_version(name) or '-') for name in PACKAGES]
    return [('python', platform.python_version())] + found


def _columns(rows: Sequence[Sequence[str]]) -> List[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    return [
        '  '.join(cell.ljust(width)
                  for cell, width in zip(row, widths)).rstrip() for row in rows
    ]


def format_table(reports: Sequence[Report]) -> str:
    """The versions, then one line per breakage, as plain text."""
    rows = [('breakage', 'present', 'what mmevad did')]
    rows += [(r.breakage, 'yes' if r.present else 'no', r.done)
             for r in reports]
    return '\n'.join(_columns(versions()) + [''] + _columns(rows))
