# Copyright (c) mmevad authors. All rights reserved.
"""Pictures to look at: keyframes of each split, and one strip per action."""

from typing import List, Optional, Tuple

import cv2
import numpy as np

from .actions import LABELS
from .annotations import VideoTruth, keyframes, runs
from .export import SPLITS, read_frame

_WIDTH = 320  # of one tile in pixels
_NOTE = 'synthetic, for demos and tests only'


def _hue(index: int) -> Tuple[int, int, int]:
    hsv = np.uint8([[[(index * 53) % 180, 170, 255]]])
    return tuple(int(c) for c in cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0])


def _text(image: np.ndarray,
          text: str,
          at: Tuple[int, int],
          color: Tuple[int, int, int],
          size: float = .45) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    (w, h), _ = cv2.getTextSize(text, font, size, 1)
    x = int(np.clip(at[0], 0, max(0, image.shape[1] - w - 4)))
    y = int(max(at[1], h + 4))
    cv2.rectangle(image, (x, y - h - 4), (x + w + 4, y + 3), (20, 20, 20), -1)
    cv2.putText(image, text, (x + 2, y), font, size, color, 1, cv2.LINE_AA)


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
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), _hue(person), 1)
        if only is None:
            text = ' + '.join(LABELS[k] for k in labels)
            _text(image, text, (x1, y1 - 4), _hue(person))
    return image


def _grid(tiles: List[np.ndarray], columns: int, title: str) -> np.ndarray:
    height = max(t.shape[0] for t in tiles)
    blank = np.full((height, _WIDTH, 3), 30, np.uint8)
    tiles = tiles + [blank] * (-len(tiles) % columns)
    rows = [
        np.hstack([
            cv2.copyMakeBorder(
                t, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(30, 30, 30))
            for t in tiles[i:i + columns]
        ]) for i in range(0, len(tiles), columns)
    ]
    head = np.full((30, rows[0].shape[1], 3), 30, np.uint8)
    _text(head, title, (4, 20), (255, 255, 255), .6)
    return np.vstack([head] + rows)


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
            grids.append(_grid(tiles, 4, f'{split}: {_NOTE}'))
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
        strips.append(_grid(tiles, columns, f'{name} ({seconds:.1f} s)'))
    return np.vstack(strips)
