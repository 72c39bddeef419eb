# Copyright (c) mmevad authors. All rights reserved.
"""Combinations of packages that cannot work, said in one sentence each.

mmcv comes under two names, so no requirement can ask for it; and mmaction2
refuses at import an mmcv that is newer than it knows.
"""
from typing import NamedTuple, Optional

from mmengine.utils import digit_version

from .report import Report, installed_version

NAME = 'versions that refuse each other'


class Versions(NamedTuple):
    """Installed versions, None where a package is not installed."""
    mmcv: Optional[str]
    mmdet: Optional[str]
    mmaction2: Optional[str]


def problem(found: Versions) -> Optional[str]:
    """What is wrong with these versions and what to do, or None."""
    if found.mmcv is None:
        return ('mmevad needs mmcv: `pip install mmcv-lite==2.1.0` (nothing '
                'to compile), or compiled mmcv 2.0 or 2.1.')
    if found.mmaction2 is None:
        return 'mmevad needs mmaction2: `pip install mmaction2==1.2.0`.'
    if found.mmdet is None:
        return 'mmevad needs mmdet: `pip install mmdet==3.3.0`.'
    mmcv = digit_version(found.mmcv)
    if mmcv >= digit_version('2.2.0'):
        return (f'mmcv {found.mmcv} is too new for mmaction2 and mmdet: `pip '
                'install "mmcv-lite<2.2"` or `"mmcv<2.2"`.')
    for name, limited in (('mmaction2', digit_version(found.mmaction2)
                           < digit_version('1.2.0')),
                          ('mmdet', digit_version(found.mmdet)
                           < digit_version('3.2.0'))):
        if limited and mmcv >= digit_version('2.1.0'):
            have = getattr(found, name)
            newer = {'mmaction2': '1.2.0', 'mmdet': '3.3.0'}[name]
            return (f'{name} {have} needs mmcv < 2.1, but {found.mmcv} is '
                    f'installed: `pip install {name}=={newer}`, or an mmcv '
                    'or mmcv-lite 2.0.1.')
    return None


def apply() -> Report:
    """Look at the installed packages.

    Raises:
        ImportError: If mmaction2 could not be imported with them.
    """
    found = Versions(
        installed_version('mmcv') or installed_version('mmcv-lite'),
        installed_version('mmdet'), installed_version('mmaction2'))
    sentence = problem(found)
    if sentence is not None:
        raise ImportError(sentence)
    return Report(NAME, False, 'nothing')
