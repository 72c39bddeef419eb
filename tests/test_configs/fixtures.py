# Copyright (c) mmevad authors. All rights reserved.
"""Every dataset that a config names, tiny, where its README puts it."""
from pathlib import Path

from . import fixtures_ava, fixtures_segments, fixtures_tubes

# first two folders of a config's data_root -> who writes them
WRITERS = {
    'data/ava': fixtures_ava.write_ava,
    'data/ava_kinetics': fixtures_ava.write_ava_kinetics,
    'data/synth_actors': fixtures_ava.write_synth_actors,
    'data/jhmdb': fixtures_tubes.write_jhmdb,
    'data/ucf101_24': fixtures_tubes.write_ucf101_24,
    'data/multisports': fixtures_tubes.write_multisports,
    'data/ucf8': fixtures_tubes.write_clips,
    'data/thumos14': fixtures_segments.write_thumos14,
    'data/activitynet': fixtures_segments.write_activitynet,
    'data/epic_kitchens': fixtures_segments.write_epic_kitchens,
    'data/ego4d': fixtures_segments.write_ego4d,
    'data/sbhar': fixtures_segments.write_sbhar,
}


def write_dataset(root: Path, data_root: str) -> None:
    """Write the dataset of ``data_root`` below ``root``, once.

    Raises:
        KeyError: If nobody writes a dataset of this name.
    """
    name = '/'.join(Path(data_root).parts[:2])
    folder = root / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        WRITERS[name](folder)
