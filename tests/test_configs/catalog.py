# Copyright (c) mmevad authors. All rights reserved.
"""What configs there are, and what the metafiles say about them."""
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import List

import pytest
import yaml
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / 'configs' / name for name in ('evad', 'actionformer')]
BASES = sorted((ROOT / 'configs/_base_').rglob('*.py'))
PATHS = sorted(
    path for path in (ROOT / 'configs').rglob('*.py') if path not in BASES)
METAFILES = {
    folder: yaml.safe_load((folder / 'metafile.yml').read_text())
    for folder in FOLDERS
}
ENTRIES = [
    entry for content in METAFILES.values() for entry in content['Models']
]


@lru_cache(maxsize=None)
def _read(path: Path) -> Config:
    return Config.fromfile(str(path))


def load(path: Path) -> Config:
    """The config as a user gets it; changes to it do not last."""
    return deepcopy(_read(path))


def every(paths: List[Path]):
    """Run a test for each config, as its argument ``path``."""
    return pytest.mark.parametrize(
        'path', paths, ids=[path.stem for path in paths])


def entry(path: Path) -> dict:
    """The config's entry in its metafile."""
    return next(x for x in ENTRIES if x['Name'] == path.stem)
