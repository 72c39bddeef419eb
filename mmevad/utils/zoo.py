# Copyright (c) mmevad authors. All rights reserved.
"""The model zoo: model-index.yml, the metafiles it imports, the configs.

The address that all weights are under is one line, ``Zoo:`` in
model-index.yml. ``mim`` wants whole addresses and YAML cannot join two
strings, so each metafile repeats it; :func:`point_to` rewrites them.
"""
import os.path as osp
import re
from glob import escape, glob
from typing import List

import mmevad
from .errors import DataError

NOT_PUBLISHED = 'none published: '
_ZOO = re.compile(r'^Zoo: *(\S+) *$', re.MULTILINE)
_WEIGHTS = re.compile(r'^( +Weights: *)https?://\S*/(\S+)$', re.MULTILINE)
_IMPORT = re.compile(r'^ +- (\S+\.yml)$', re.MULTILINE)


def zoo_root() -> str:
    """Folder of model-index.yml and ``configs``, of the installation or of
    the source tree."""
    package = osp.dirname(osp.abspath(mmevad.__file__))
    installed = osp.join(package, '.mim')
    if osp.isfile(osp.join(installed, 'model-index.yml')):
        return installed
    return osp.dirname(package)


def find_config(name: str) -> str:
    """Path of a config.

    Args:
        name (str): A path, or the base name of a config of the zoo, with or
            without ``.py``.

    Raises:
        DataError: If there is no such config.
    """
    if osp.isfile(name):
        return name
    folder = osp.join(zoo_root(), 'configs')
    file = osp.basename(name)
    file = file if file.endswith('.py') else f'{file}.py'
    found = []
    if not osp.dirname(name):
        found = glob(osp.join(escape(folder), '*', escape(file)))
    if not found:
        raise DataError(f'There is no config {name}, neither as a file nor by '
                        f'that name in {folder}.')
    return found[0]


def zoo_url(root: str) -> str:
    """The line ``Zoo:`` of a folder's model-index.yml.

    Args:
        root (str): Folder of model-index.yml.

    Returns:
        str: Ends in ``/``.

    Raises:
        DataError: If there is no such line, or it is no address.
    """
    index = osp.join(root, 'model-index.yml')
    found = _ZOO.findall(_read(index))
    if len(found) != 1 or not re.match(r'https?://.*/$', found[0]):
        raise DataError(f'{index} needs one line "Zoo: https://.../", with a '
                        f'"/" at its end, but has {found or "none"}.')
    return found[0]


def metafiles(root: str) -> List[str]:
    """Paths of the metafiles that model-index.yml imports."""
    names = _IMPORT.findall(_read(osp.join(root, 'model-index.yml')))
    return [osp.join(root, name) for name in names]


def point_to(text: str, url: str) -> str:
    """Metafile whose published weights are all under ``url``.

    Args:
        text (str): Of the metafile.
        url (str): Ends in ``/``. File names stay.
    """
    return _WEIGHTS.sub(lambda m: f'{m[1]}{url}{m[2]}', text)


def _read(path: str) -> str:
    if not osp.isfile(path):
        raise DataError(f'{path} does not exist.')
    with open(path, encoding='utf-8') as file:
        return file.read()
