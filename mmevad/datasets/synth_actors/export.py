# Copyright (c) mmevad authors. All rights reserved.
"""Writing frames, videos and annotation files."""

import json
import os.path as osp
import pickle
from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np

from .actions import ACTIVITIES, LABELS
from .annotations import VideoTruth, ava_rows, segments, tubes

FRAME_TEMPLATE = 'img_{:05}.jpg'
SPLITS = ('train', 'val', 'test')
SUBSETS = dict(train='training', val='validation', test='testing')


class FrameWriter:
    """Writes one video as JPEG frames, as an mp4 file, or as both.

    Args:
        root (str): Output folder.
        video_id (str): Name of the frame folder and of the video file.
        kind (str): 'frames', 'videos' or 'both'.
        fps (float): Frame rate of the file.
        size (tuple[int]): Width and height.
    """

    def __init__(self, root: str, video_id: str, kind: str, fps: float,
                 size: Tuple[int, int]) -> None:
        self.folder = None
        self.video = None
        self.count = 0
        if kind in ('frames', 'both'):
            self.folder = Path(root, 'frames', video_id)
            self.folder.mkdir(parents=True)
        if kind in ('videos', 'both'):
            path = Path(root, 'videos', f'{video_id}.mp4')
            path.parent.mkdir(parents=True, exist_ok=True)
            self.video = cv2.VideoWriter(
                str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, size)
            if not self.video.isOpened():
                raise RuntimeError(f'OpenCV cannot write mp4 files: {path}')

    def write(self, image: np.ndarray) -> None:
        """Append a frame (h x w x 3 uint8 BGR); files count from 1."""
        self.count += 1
        if self.folder is not None:
            path = self.folder / FRAME_TEMPLATE.format(self.count)
            if not cv2.imwrite(
                    str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95]):
                raise OSError(f'cannot write {path}')
        if self.video is not None:
            self.video.write(image)

    def close(self) -> None:
        if self.video is not None:
            self.video.release()


def read_frame(root: str, video_id: str, number: int) -> np.ndarray:
    """Read frame ``number`` (from 1) from the JPEG or the mp4 file."""
    path = osp.join(root, 'frames', video_id, FRAME_TEMPLATE.format(number))
    if osp.exists(path):
        return cv2.imread(path)
    video = cv2.VideoCapture(osp.join(root, 'videos', f'{video_id}.mp4'))
    video.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
    good, image = video.read()
    video.release()
    if not good:
        raise OSError(f'cannot read frame {number} of {video_id} in {root}')
    return image


def label_map() -> str:
    """The labels in the pbtxt form of AVA."""
    return ''.join(f'item {{\n  name: "{name}"\n  id: {i}\n}}\n'
                   for i, name in enumerate(LABELS, 1))


def tube_dict(truths: List[VideoTruth]) -> Dict:
    """All tubes in the layout of UCF101-24's and JHMDB's ``-GT.pkl``."""

    def names(split: str) -> List[List[str]]:
        return [[t.video_id for t in truths if t.split == split]]

    return dict(
        labels=list(LABELS),
        gttubes={t.video_id: tubes(t)
                 for t in truths},
        nframes={t.video_id: int(t.boxes.shape[1])
                 for t in truths},
        train_videos=names('train'),
        val_videos=names('val'),
        test_videos=names('test'),
        resolution={t.video_id: (t.size[1], t.size[0])
                    for t in truths})


def segment_dict(truths: List[VideoTruth]) -> Dict:
    """All segments in the layout of ActivityNet's JSON file."""
    database = {}
    for t in truths:
        database[t.video_id] = dict(
            subset=SUBSETS[t.split],
            duration=round(t.boxes.shape[1] / t.fps, 4),
            fps=t.fps,
            annotations=segments(t))
    return dict(
        version='synth-actors', classes=list(ACTIVITIES), database=database)


def _json(path: Path, data: Dict) -> None:
    path.write_text(json.dumps(data, indent=1) + '\n')


def write_annotations(root: str, truths: List[VideoTruth],
                      intervals: Dict[str, int]) -> None:
    """Write all annotation files into ``root``/annotations.

    Args:
        root (str): Existing folder.
        truths (list[VideoTruth]): Of all splits.
        intervals (dict[str, int]): Frames between AVA keyframes, by split.
    """
    folder = Path(root, 'annotations')
    folder.mkdir(parents=True)
    for split in SPLITS:
        rows, file_rows = [], []
        for truth in truths:
            if truth.split == split:
                rows += ava_rows(truth, intervals[split])
                named = truth._replace(video_id=f'{truth.video_id}.mp4')
                file_rows += ava_rows(named, intervals[split])
        for name, lines in ((f'ava_{split}.csv', rows),
                            (f'ava_{split}_videos.csv', file_rows)):
            (folder / name).write_text(''.join(f'{r}\n' for r in lines))
        (folder / f'ava_{split}_excluded_timestamps.csv').write_text('')
    (folder / 'label_map.pbtxt').write_text(label_map())

    data = tube_dict(truths)
    with open(folder / 'tubes.pkl', 'wb') as file:
        pickle.dump(data, file, protocol=4)
    data['gttubes'] = {
        video: {
            str(k): [t.round(4).tolist() for t in v]
            for k, v in by_label.items()
        }
        for video, by_label in data['gttubes'].items()
    }
    (folder / 'tubes.json').write_text(json.dumps(data) + '\n')
    _json(folder / 'segments.json', segment_dict(truths))
    _json(folder / 'videos.json', {t.video_id: t.meta for t in truths})
