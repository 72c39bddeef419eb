# Copyright (c) mmevad authors. All rights reserved.
"""Pictures to look at: keyframes of each split, and one strip per action."""

from typing import List, Optional

import cv2
import numpy as np

from mmevad.visualization import distinct_color, draw_text, tile_grid
from .actions import LABELS
from .annotations import VideoTruth, keyframes, runs
from .export import SPLITS, read_frame

_WIDTH = 320  # of one tile in pixels
_NOTE = 'synthetic, for demos and tests only'


def annotate(image: np.ndarray,
             truth: VideoTruth,
             frame: int,
             only: Optional[int] = None) -> np.ndarray:
    """Enlarge a frame and draw its boxes and labels.

    Args:
        image (np.ndarray): h x w x 3 uint8 BGR.
        truth (VideoTruth): Ground truth of the video.
        frame (int): Frame number from 1.
        only (int, optional): Draw this person only, without text.
    """
    scale = _WIDTH / image.shape[1]
    image = cv2.resize(
        image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for person in range(len(truth.boxes)):
        labels = np.flatnonzero(truth.shown[person, frame - 1])
        if not len(labels) or only not in (None, person):
            continue
        x1, y1, x2, y2 = (truth.boxes[person, frame - 1] * scale).astype(int)
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1),
                      distinct_color(person), 1)
        if only is None:
            text = ' + '.join(LABELS[k] for k in labels)
            draw_text(image, text, (x1, y1 - 4), distinct_color(person))
    return image


def contact_sheet(root: str,
                  truths: List[VideoTruth],
                  interval: int,
                  per_split: int = 8) -> np.ndarray:
    """Keyframes of different videos with boxes and labels, per split."""
    grids = []
    for split in SPLITS:
        chosen = [t for t in truths if t.split == split]
        tiles = []
        for i in range(per_split if chosen else 0):
            truth = chosen[i * len(chosen) // per_split]
            frames = keyframes(truth.boxes.shape[1], interval)
            frame = frames[(7 * i + 3) % len(frames)]
            image = read_frame(root, truth.video_id, frame)
            tiles.append(annotate(image, truth, frame))
        if tiles:
            grids.append(tile_grid(tiles, 4, f'{split}: {_NOTE}'))
    return np.vstack(grids)


def action_sheet(root: str,
                 truths: List[VideoTruth],
                 columns: int = 6) -> np.ndarray:
    """One well visible instance of every label as a strip over time."""
    strips = []
    for label, name in enumerate(LABELS):
        best = None
        for truth in truths:
            for person in range(len(truth.boxes)):
                for start, end in runs(truth.shown[person, :, label]):
                    if end - start < columns:
                        continue
                    box = truth.boxes[person, start:end]
                    clear = truth.visible[person, start:end].min()
                    score = clear + .5 * (box[:, 3] -
                                          box[:, 1]).mean() / truth.size[1]
                    if best is None or score > best[0]:
                        best = (score, truth, person, start, end)
        if best is None:
            continue
        _, truth, person, start, end = best
        end = min(end, start + int(2.2 * truth.fps))
        frames = np.linspace(start + 1, end, columns).round().astype(int)
        tiles = [
            annotate(
                read_frame(root, truth.video_id, int(f)), truth, int(f),
                person) for f in frames
        ]
        seconds = (frames[-1] - frames[0]) / truth.fps
        strips.append(tile_grid(tiles, columns, f'{name} ({seconds:.1f} s)'))
    return np.vstack(strips)
