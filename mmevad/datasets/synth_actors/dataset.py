# Copyright (c) mmevad authors. All rights reserved.
"""The whole data set from one seed."""

import os
import os.path as osp
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from typing import Dict, List, Tuple

import cv2
import numpy as np
from mmengine.utils import track_parallel_progress, track_progress

from .actions import LABELS
from .annotations import VideoTruth, ava_rows
from .background import Background, sample_background
from .contact_sheet import action_sheet, contact_sheet
from .export import SPLITS, FrameWriter, write_annotations
from .look import Look, sample_look
from .scene import Scene, build_scene, draw_all

_LOOKS = dict(train=400, val=8, test=14)
_BACKGROUNDS = dict(train=160, val=4, test=8)
FORMATS = ('frames', 'videos', 'both')


@dataclass(frozen=True)
class Settings:
    """What to make.

    Args:
        out_dir (str): Folder to create.
        seed (int): Everything follows from it.
        size (tuple[int]): Frame width and height in pixels.
        videos (tuple[int]): Number of train, val and test videos.
        seconds (float): Length of every video.
        fps (float): Frames per second.
        interval (int): Frames from one AVA keyframe to the next.
        train_interval (int): The same in the training split.
        kind (str): 'frames', 'videos' or 'both'.
        workers (int): Processes; no influence on the output.
        overwrite (bool): Replace ``out_dir`` if it is not empty.
    """

    out_dir: str
    seed: int = 0
    size: Tuple[int, int] = (128, 96)
    videos: Tuple[int, int, int] = (160, 6, 14)
    seconds: float = 12.
    fps: float = 12.5
    interval: int = 6
    train_interval: int = 2
    kind: str = 'both'
    workers: int = 2
    overwrite: bool = False

    def __post_init__(self) -> None:
        if min(self.size) < 48 or self.size[0] % 2 or self.size[1] % 2:
            raise ValueError('size must be even numbers of at least 48 pixels,'
                             f' got {self.size[0]}x{self.size[1]}.')
        if not 1 <= self.size[0] / self.size[1] <= 2.5:
            raise ValueError('width / height must be between 1 and 2.5, got '
                             f'{self.size[0]}x{self.size[1]}.')
        if len(self.videos) != 3 or min(
                self.videos) < 0 or not sum(self.videos):
            raise ValueError('videos must be three counts (train, val, test) '
                             f'that are not all 0, got {self.videos}.')
        if self.fps <= 0 or self.num_frames < 16:
            raise ValueError('a video must have at least 16 frames, got '
                             f'{self.seconds} s at {self.fps} frames/s.')
        for interval in self.intervals.values():
            if not 1 <= interval <= self.num_frames:
                raise ValueError('the keyframe interval must be between 1 and '
                                 f'the number of frames, got {interval}.')
        if self.kind not in FORMATS:
            raise ValueError(f'format must be one of {", ".join(FORMATS)}, '
                             f'got {self.kind!r}.')
        if self.workers < 1 or self.seed < 0:
            raise ValueError('workers must be at least 1 and the seed must '
                             'not be negative.')

    @property
    def intervals(self) -> Dict[str, int]:
        """Frames between AVA keyframes, by split."""
        return dict(
            train=self.train_interval, val=self.interval, test=self.interval)

    @property
    def num_frames(self) -> int:
        return int(round(self.seconds * self.fps))


@dataclass(frozen=True)
class Task:
    """One video to make; ``index`` counts within the split."""

    split: str
    index: int

    @property
    def video_id(self) -> str:
        return f'{self.split}_{self.index:03d}'


def _rng(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, *stream])


def split_looks(seed: int, split: str) -> List[Look]:
    """The actors of a split; no other split has any of them."""
    where = SPLITS.index(split)
    return [
        sample_look(f'{split}_look_{i:02d}', _rng(seed, 1, where, i))
        for i in range(_LOOKS[split])
    ]


def split_background(seed: int, split: str, index: int) -> Background:
    """One background of a split; no other split has it."""
    return sample_background(f'{split}_background_{index:02d}',
                             _rng(seed, 2, SPLITS.index(split), index))


def make_scene(task: Task, settings: Settings) -> Scene:
    """The scene of one video; depends on seed, split and index only."""
    rng = _rng(settings.seed, 3, SPLITS.index(task.split), task.index)
    looks = split_looks(settings.seed, task.split)
    count = int(rng.choice([2, 3], p=[.8, .2]))
    cast = rng.choice(len(looks), count, replace=False)
    place = task.index % _BACKGROUNDS[task.split]
    return build_scene(rng, [looks[i] for i in cast],
                       split_background(settings.seed, task.split, place),
                       settings.num_frames, settings.fps, settings.size)


def make_video(task: Task, settings: Settings, root: str) -> VideoTruth:
    """Draw one video, write it to ``root`` and return its ground truth."""
    cv2.setNumThreads(1)
    scene = make_scene(task, settings)
    writer = FrameWriter(root, task.video_id, settings.kind, settings.fps,
                         settings.size)
    boxes, visible = [], []
    for drawn in draw_all(scene):
        writer.write(drawn.image)
        boxes.append(drawn.boxes)
        visible.append(drawn.visible)
    writer.close()
    meta = dict(
        split=task.split,
        num_frames=scene.num_frames,
        fps=settings.fps,
        size=list(settings.size),
        background=scene.background.background_id,
        looks=[look.look_id for look in scene.looks],
        camera=scene.motion,
        occluders=[b.kind for b in scene.boxes if b.kind != 'seat'])
    return VideoTruth(task.video_id, task.split, settings.size, settings.fps,
                      np.stack(boxes, 1), np.stack(visible, 1),
                      np.stack([p.labels for p in scene.performances]), meta)


def _check_target(settings: Settings) -> None:
    path = settings.out_dir
    if osp.exists(path) and not osp.isdir(path):
        raise FileExistsError(f'{path} is a file, not a folder.')
    if osp.isdir(path) and os.listdir(path) and not settings.overwrite:
        raise FileExistsError(
            f'{path} is not empty; add --overwrite to replace it.')


def generate(settings: Settings) -> List[VideoTruth]:
    """Make the data set; the folder appears only when it is complete."""
    _check_target(settings)
    target = osp.abspath(settings.out_dir)
    os.makedirs(osp.dirname(target), exist_ok=True)
    root = tempfile.mkdtemp(
        prefix=f'.{osp.basename(target)}.', dir=osp.dirname(target))
    try:
        tasks = [
            Task(split, i) for split, count in zip(SPLITS, settings.videos)
            for i in range(count)
        ]
        job = partial(make_video, settings=settings, root=root)
        if settings.workers > 1 and len(tasks) > 1:
            truths = track_parallel_progress(
                job, tasks, settings.workers, keep_order=True)
        else:
            truths = track_progress(job, tasks)
        write_annotations(root, truths, settings.intervals)
        sheets = dict(
            contact_sheet=contact_sheet(root, truths, settings.interval),
            actions=action_sheet(root, truths))
        for name, image in sheets.items():
            cv2.imwrite(osp.join(root, f'{name}.png'), image)
        os.chmod(root, 0o755)
        if osp.isdir(target):
            shutil.rmtree(target)
        os.replace(root, target)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    return truths


def summary(truths: List[VideoTruth], intervals: Dict[str,
                                                      int]) -> Dict[str, Dict]:
    """Videos, keyframes with people, rows and rows per label by split."""
    table = {}
    for split in SPLITS:
        chosen = [t for t in truths if t.split == split]
        rows = [
            r.split(',') for t in chosen
            for r in ava_rows(t, intervals[split])
        ]
        counts = {name: 0 for name in LABELS}
        for row in rows:
            counts[LABELS[int(row[6]) - 1]] += 1
        table[split] = dict(
            videos=len(chosen),
            keyframes=len({(r[0], r[1])
                           for r in rows}),
            boxes=len({(r[0], r[1], r[7])
                       for r in rows}),
            **counts)
    return table
