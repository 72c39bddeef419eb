# Copyright (c) mmevad authors. All rights reserved.
"""Actors on a frame: boxes, and labels that keep out of each other's way."""
from typing import NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from .canvas import FONT, Color, distinct_color, enlarge, shorten

_WHITE = (255, 255, 255)
_PLATE = (20, 20, 20)


class Actor(NamedTuple):
    """A person with what he or she does.

    Attributes:
        box (sequence[float]): x1, y1, x2, y2 in pixels of the frame.
        person_score (float, optional): In [0, 1]; None is not written.
        actions (sequence[tuple]): (name, score), the most likely first; a
            score of None, of ground truth, is not written.
        color (int): Index of the colour, see :func:`distinct_color`; one per
            class, or one per person, keeps colours stable over a video.
    """
    box: Sequence[float]
    person_score: Optional[float] = None
    actions: Sequence[Tuple[str, Optional[float]]] = ()
    color: int = 0


def _overlap(rectangles: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pixels that each of (m, 4) xyxy shares with (n, 4) others, summed."""
    ones = rectangles[:, None]
    sides = (
        np.minimum(ones[..., 2:], others[:, 2:]) -
        np.maximum(ones[..., :2], others[:, :2]))
    return sides.clip(0).prod(-1).sum(-1)


def _spots(box: np.ndarray, size: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """(m, 2) left upper corners to try, inside the image, the best first."""
    (x1, y1, x2, y2), (w, h) = box, size
    near = np.array([(x1, y1 - h), (x2 - w, y1 - h), (x1, y2), (x2 - w, y2),
                     (x2, y1), (x1 - w, y1), (x1, y1), (x2 - w, y1),
                     (x1, y2 - h), (x2 - w, y2 - h)])
    x, y = np.meshgrid(
        np.arange(0, limit[0] - w + 1, max(4, w // 4)),
        np.arange(0, limit[1] - h + 1, max(4, h // 4)))
    far = np.stack((x.ravel(), y.ravel()), 1)
    distance = np.abs(far - (x1, y1)).sum(1)
    far = far[np.argsort(distance, kind='stable')]
    spots = np.concatenate((near, far)).round().astype(int)
    return spots.clip(0, np.maximum(limit - size, 0))


def place_labels(boxes: np.ndarray, sizes: np.ndarray,
                 image_size: Tuple[int, int]) -> np.ndarray:
    """Find places for labels near their boxes.

    A label goes where it covers no earlier label and the least of any box:
    above its box if there is room, then below, beside or inside it, then
    anywhere. It is moved into the image first.

    Args:
        boxes (np.ndarray): (n, 4) xyxy in pixels.
        sizes (np.ndarray): (n, 2) width and height of the labels in pixels.
        image_size (tuple[int]): Width and height.

    Returns:
        np.ndarray: (n, 2) left upper corners, int.
    """
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    sizes = np.asarray(sizes, int).reshape(-1, 2)
    limit = np.array(image_size)
    placed = np.zeros((0, 4), int)
    for box, size in zip(boxes, sizes):
        if not size.all():  # nothing to write
            placed = np.vstack((placed, [[0] * 4]))
            continue
        spots = _spots(box, size, limit)
        labels = np.concatenate((spots, spots + size), 1)
        # of places that cover equally much, the earlier one
        cost = _overlap(labels, boxes) / size.prod() + .05 * np.arange(
            len(labels))
        best = np.lexsort((cost, _overlap(labels, placed)))[0]
        placed = np.vstack((placed, labels[best]))
    return placed[:, :2]


def _dashed(image: np.ndarray, box: np.ndarray, color: Color,
            dash: int) -> None:
    """A thin dashed rectangle."""
    x1, y1, x2, y2 = box
    for x in range(x1, x2, 2 * dash):
        for y in (y1, y2):
            cv2.line(image, (x, y), (min(x + dash, x2), y), color, 1)
    for y in range(y1, y2, 2 * dash):
        for x in (x1, x2):
            cv2.line(image, (x, y), (x, min(y + dash, y2)), color, 1)


class _Label:
    """Lines of text on a plate, measured before they are drawn.

    Args:
        actor (Actor): Whose label it is.
        image_size (tuple[int]): Width and height; the plate is not larger.
        unit (float): Font scale over 0.45.
    """

    def __init__(self, actor: Actor, image_size: Tuple[int, int],
                 unit: float) -> None:
        lines = [
            name if score is None else f'{name} {score:.2f}'
            for name, score in actor.actions
        ]
        self.headed = actor.person_score is not None
        if self.headed:
            lines.insert(0, f'person {actor.person_score:.2f}')
        self.scale = .45 * unit
        self.thickness = max(1, round(unit))
        self.line = round(17 * unit)
        self.margin = round(4 * unit)
        self.color = distinct_color(actor.color)
        lines = lines[:max(0, image_size[1] - self.margin) // self.line]
        room = image_size[0] - 2 * self.margin
        self.lines = [
            shorten(line, room, self.scale, self.thickness) for line in lines
        ]
        width = max(
            (cv2.getTextSize(line, FONT, self.scale, self.thickness)[0][0]
             for line in self.lines),
            default=0)
        self.size = (0, 0)
        if lines:
            self.size = (width + 2 * self.margin,
                         len(lines) * self.line + self.margin)

    def draw(self, image: np.ndarray, at: np.ndarray) -> None:
        """Draw with the left upper corner at ``at``."""
        if not self.lines:
            return
        (x, y), (w, h) = at.tolist(), self.size
        plate = image[y:y + h, x:x + w]
        plate[:] = (.25 * plate + .75 * np.array(_PLATE)).astype(np.uint8)
        plate[:, :max(1, self.margin // 2)] = self.color
        for i, text in enumerate(self.lines):
            base = y + (i + 1) * self.line - self.margin // 2
            color = _WHITE if self.headed and not i else self.color
            cv2.putText(image, text, (x + self.margin, base), FONT, self.scale,
                        color, self.thickness, cv2.LINE_AA)


def draw_actors(image: np.ndarray,
                actors: Sequence[Actor],
                truth: Optional[np.ndarray] = None,
                short_side: int = 360) -> np.ndarray:
    """Draw actors, and ground truth as thin dashed white boxes.

    Args:
        image (np.ndarray): (h, w, 3) uint8 BGR; not changed.
        actors (list[Actor]): Boxes in pixels of ``image``.
        truth (np.ndarray, optional): (m, 4) xyxy in pixels of ``image``.
        short_side (int): A smaller picture is enlarged to this before it is
            drawn on, so that text can be read.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    image, scale = enlarge(image, short_side)
    size = (image.shape[1], image.shape[0])
    unit = max(1., min(size) / 480)
    limit = np.array(size * 2) - 1

    def pixels(boxes: Sequence) -> np.ndarray:
        boxes = np.asarray(boxes, float).reshape(-1, 4) * scale
        return boxes.round().clip(0, limit).astype(int)

    for box in pixels([] if truth is None else truth):
        _dashed(image, box.tolist(), _WHITE, round(6 * unit))
    boxes = pixels([actor.box for actor in actors])
    for box, actor in zip(boxes.tolist(), actors):
        cv2.rectangle(image, box[:2], box[2:], distinct_color(actor.color),
                      round(2 * unit))
    labels = [_Label(actor, size, unit) for actor in actors]
    spots = place_labels(boxes, [label.size for label in labels], size)
    for label, spot in zip(labels, spots):
        label.draw(image, spot)
    return image
