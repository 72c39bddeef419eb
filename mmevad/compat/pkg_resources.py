# Copyright (c) mmevad authors. All rights reserved.
"""``mim`` imports ``pkg_resources``, which setuptools 81 has dropped.

Only ``mim`` itself is hit and it starts before mmevad does, so nothing can be
done from here: mmevad's requirements ask for an older setuptools.
"""
from importlib.util import find_spec

from .report import Report


def apply() -> Report:
    name = 'mim finds no pkg_resources'
    if find_spec('pkg_resources') is not None:
        return Report(name, False, 'nothing')
    return Report(name, True,
                  'cannot be mended from here: pip install "setuptools<81"')
