# Copyright (c) mmevad authors. All rights reserved.
"""Ground truth in three forms, all derived from the same arrays.

A person has a label in a frame if the script says so and if at least
``MIN_VISIBLE`` of the figure is inside the frame and not hidden.
"""

from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from .actions import ACTIVITIES, LABELS

MIN_VISIBLE = .3


class VideoTruth(NamedTuple):
    """Ground truth of one video.

    ``boxes`` P x T x 4 pixels, ``visible`` P x T shares, ``labels`` P x T x K
    bool (the script, whether visible or not).
    """

    video_id: str
    split: str
    size: Tuple[int, int]
    fps: float
    boxes: np.ndarray
    visible: np.ndarray
    labels: np.ndarray
    meta: Dict

    @property
    def shown(self) -> np.ndarray:
        """P x T x K bool: labels of people who can be seen."""
        return self.labels & (self.visible >= MIN_VISIBLE)[..., None]


def keyframes(num_frames: int, interval: int) -> List[int]:
    """Annotated frames, counted from 1: every ``interval``-th."""
    return list(range((interval + 1) // 2, num_frames + 1, interval))


def ava_rows(truth: VideoTruth, interval: int) -> List[str]:
    """Rows ``video,frame,x1,y1,x2,y2,action,person``.

    Frames, actions and persons count from 1; boxes are in [0, 1].
    """
    rows = []
    scale = np.array(truth.size * 2, float)
    for frame in keyframes(truth.boxes.shape[1], interval):
        for person in range(len(truth.boxes)):
            box = truth.boxes[person, frame - 1] / scale
            text = ','.join(f'{value:.6f}' for value in box)
            for label in np.flatnonzero(truth.shown[person, frame - 1]):
                rows.append(f'{truth.video_id},{frame:04d},{text},'
                            f'{label + 1},{person + 1}')
    return rows


def runs(flags: np.ndarray) -> List[Tuple[int, int]]:
    """Maximal runs of true values in a 1-D array as [start, end)."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0]))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def tubes(truth: VideoTruth) -> Dict[int, List[np.ndarray]]:
    """Tubes of one video in the layout of UCF101-24's ground truth.

    Returns:
        dict[int, list[np.ndarray]]: For every label index (from 0) float32
            arrays N x 5 of frame (from 1), x1, y1, x2, y2 in pixels, with
            contiguous frames of one person.
    """
    found: Dict[int, List[np.ndarray]] = {}
    for label in range(len(LABELS)):
        for person in range(len(truth.boxes)):
            for start, end in runs(truth.shown[person, :, label]):
                frames = np.arange(start + 1, end + 1)[:, None]
                tube = np.hstack([frames, truth.boxes[person, start:end]])
                found.setdefault(label, []).append(tube.astype(np.float32))
    return found


def segments(truth: VideoTruth) -> List[Dict]:
    """Timed activities in the layout of ActivityNet's ground truth.

    Postures are left out. An instance lasts from its first to its last visible
    frame; being hidden in between does not cut it, as it does a tube.
    """
    found = []
    for label in range(len(ACTIVITIES)):
        for person in range(len(truth.boxes)):
            for start, end in runs(truth.labels[person, :, label]):
                shown = np.flatnonzero(truth.shown[person, start:end, label])
                if not len(shown):
                    continue
                first, last = start + shown[0], start + shown[-1] + 1
                found.append(
                    dict(
                        segment=[
                            round(float(first) / truth.fps, 4),
                            round(float(last) / truth.fps, 4)
                        ],
                        label=LABELS[label],
                        label_id=label))
    return sorted(found, key=lambda s: (s['segment'], s['label_id']))
