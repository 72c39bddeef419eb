# Copyright (c) mmevad authors. All rights reserved.
"""AVA, AVA-Kinetics and the drawn people, in their own files."""
from pathlib import Path
from typing import Iterable

import cv2
import numpy as np

from mmevad.datasets.synth_actors import Settings, generate

SIZE = 48  # pixels, square
# ids of the 60 evaluated classes; the other 20 of 80 are in the rows only
EVALUATED = [i for i in range(1, 81) if i % 4 != 2]


def write_frames(folder: Path, count: int, tmpl: str = 'img_{:05}.jpg'):
    """Frames from number 1; a bright square moves over them."""
    folder.mkdir(parents=True)
    for i in range(1, count + 1):
        image = np.full((SIZE, SIZE, 3), 60, np.uint8)
        image[10:34, i % 16:i % 16 + 16] = 220
        cv2.imwrite(str(folder / tmpl.format(i)), image)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines))


def rows(video: str, *timestamps: int) -> list:
    """Two people, one with two labels, one with a label not evaluated."""
    found = []
    for second in timestamps:
        for label, person in ((12, 0), (80, 0), (2, 1)):
            box = ('0.200,0.200,0.600,0.700', '0.500,0.100,0.990,0.900')
            found.append(f'{video},{second:04d},{box[person]},{label},'
                         f'{person}')
    return found


def write_annotations(folder: Path, version: str, action_list: str,
                      train: list, val: list) -> None:
    """Both CSV files, excluded timestamps and the action list."""
    write_lines(folder / f'ava_train_{version}.csv', train)
    write_lines(folder / f'ava_val_{version}.csv', val)
    for split in ('train', 'val'):
        write_lines(folder / f'ava_{split}_excluded_timestamps_{version}.csv',
                    ['1j20qq1JyX4,0904'])
    write_lines(folder / f'ava_action_list_{version}_for_{action_list}.pbtxt',
                (f'item {{\n  name: "action {i}"\n  id: {i}\n}}'
                 for i in EVALUATED))


def write_ava(root: Path) -> None:
    """One video of five seconds; of 902 to 904 the last is excluded."""
    write_frames(root / 'rawframes/1j20qq1JyX4', 160)
    train = rows('1j20qq1JyX4', 902, 903, 904)
    val = rows('1j20qq1JyX4', 902, 904)
    for version, action_list in (('v2.1', 'activitynet_2018'),
                                 ('v2.2', 'activitynet_2019')):
        write_annotations(root / 'annotations', version, action_list, train,
                          val)


def write_ava_kinetics(root: Path) -> None:
    """That video and a clip of Kinetics, whose name says where it starts."""
    clip = '--07WQ2iBlw_000001_000011'
    write_frames(root / 'rawframes/1j20qq1JyX4', 160)
    write_frames(root / 'rawframes' / clip, 301)
    lines = rows('1j20qq1JyX4', 902, 904)
    write_annotations(root / 'annotations', 'v2.2', 'activitynet_2019',
                      lines + rows(clip, 6), lines)


def write_synth_actors(root: Path) -> None:
    """Four drawn videos, and clip features as the extraction names them.

    With these sizes all activities occur, and each video has two keyframes.
    """
    generate(
        Settings(
            out_dir=str(root),
            size=(64, 48),
            videos=(2, 1, 1),
            seconds=4.,
            interval=24,
            train_interval=24,
            kind='frames',
            workers=1))
    (root / 'evad_features').mkdir()
    for i, folder in enumerate(sorted((root / 'frames').iterdir())):
        count = (len(list(folder.iterdir())) - 16) // 2 + 1
        feats = np.random.default_rng(i).standard_normal((count, 274))
        np.save(root / f'evad_features/{folder.name}.npy', feats)
