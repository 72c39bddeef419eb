# Copyright (c) mmevad authors. All rights reserved.
"""JHMDB and UCF101-24: a pickle of tubes, and frames or clips."""
import importlib.util
import pickle
from pathlib import Path

import cv2
import numpy as np

from .fixtures_ava import SIZE, write_frames

TOOLS = Path(__file__).parents[2] / 'tools/data'
RESOLUTION = (2 * SIZE, 2 * SIZE)  # height and width that boxes count in
NUM_FRAMES = 3


def load_tool(name: str):
    """A script of tools/data, such as 'sbhar/make_sbhar'."""
    spec = importlib.util.spec_from_file_location(
        Path(name).stem, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tube(first: int, last: int) -> np.ndarray:
    """(frames, 5): frame from 1, xyxy of the moving square."""
    frames = np.arange(first, last + 1)
    left = 2 * (frames % 16)
    box = [left, 0 * left + 20, left + 32, 0 * left + 68]
    return np.stack([frames, *box], axis=1).astype(np.float32)


def people(label: int) -> dict:
    """Two people who do the same, one of them for a part of the video."""
    return {label: [tube(1, NUM_FRAMES), tube(2, 2)]}


def tube_file(classes: list, gttubes: dict, num_splits: int) -> dict:
    """What is in the pickle.

    Args:
        classes (list[str]): Names.
        gttubes (dict): Tubes of each video by label; even videos train in
            the first split and test in the second, and so on.
        num_splits (int): Splits.
    """
    parts = [list(gttubes)[::2], list(gttubes)[1::2]]
    return dict(
        labels=classes,
        gttubes=gttubes,
        nframes={video: NUM_FRAMES
                 for video in gttubes},
        train_videos=[parts[i % 2] for i in range(num_splits)],
        test_videos=[parts[1 - i % 2] for i in range(num_splits)],
        resolution={video: RESOLUTION
                    for video in gttubes})


def write_tubes(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))


def write_video(path: Path, fourcc: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*fourcc), 25, (SIZE, SIZE))
    for i in range(NUM_FRAMES):
        writer.write(np.full((SIZE, SIZE, 3), 50 * i, np.uint8))
    writer.release()


def write_jhmdb(root: Path) -> None:
    """21 classes, three splits, PNG frames without a prefix."""
    classes = [f'action_{i:02d}' for i in range(21)]
    videos = ['action_03/clip_a', 'action_03/clip_b']
    gttubes = {video: people(3) for video in videos}
    write_tubes(root / 'JHMDB-GT.pkl', tube_file(classes, gttubes, 3))
    for video in videos:
        write_frames(root / 'Frames' / video, NUM_FRAMES, '{:05}.png')


def write_ucf101_24(root: Path) -> None:
    """24 classes, one split, JPEG frames without a prefix."""
    classes = [f'Action{i:02d}' for i in range(24)]
    videos = [f'Action05/v_Action05_g0{i}_c01' for i in (1, 2)]
    gttubes = {video: people(5) for video in videos}
    write_tubes(root / 'UCF101v2-GT.pkl', tube_file(classes, gttubes, 1))
    for video in videos:
        write_frames(root / 'rgb-images' / video, NUM_FRAMES, '{:05}.jpg')


def write_multisports(root: Path) -> None:
    """66 classes, one split, mp4 files."""
    classes = [f'sport move {i:02d}' for i in range(66)]
    videos = [f'aerobic_gymnastics/v_aqMgwPExjD{i}_c001' for i in range(2)]
    # two actions in a video, whose folder is a sport
    gttubes = {video: {**people(7), **people(40)} for video in videos}
    write_tubes(root / 'annotations/multisports_GT.pkl',
                tube_file(classes, gttubes, 1))
    for video in videos:
        write_video(root / f'trainval/{video}.mp4', 'mp4v')


def write_clips(root: Path) -> None:
    """Clips of seven of the 24 classes, through tubes_to_ava.py."""
    classes = [f'Action{i:02d}' for i in range(24)]
    gttubes = {
        f'{name}/v_{name}_g01_c01': people(label)
        for label, name in enumerate(classes[:7])
    }
    source = root.with_name('ucf8_source')
    write_tubes(source / 'tubes.pkl', tube_file(classes, gttubes, 1))
    for video in gttubes:
        write_video(source / f'clips/{video}.avi', 'MJPG')
    load_tool('ucf101_24/tubes_to_ava').main([
        str(source / 'tubes.pkl'), '--videos',
        str(source / 'clips'), '--every', '3', '--subset', 'all', '--classes',
        'present', '--frame-size', '128x96', '--extract-frames', '--out',
        str(root)
    ])
