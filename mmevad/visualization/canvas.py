# Copyright (c) mmevad authors. All rights reserved.
"""Colours, text and grids for pictures in OpenCV's BGR order."""
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

FONT = cv2.FONT_HERSHEY_SIMPLEX
Color = Tuple[int, int, int]

_DARK = 30  # grey of what is between the pictures of a grid
_BAR = 30  # height of a title or caption in pixels


def distinct_color(index: int) -> Color:
    """A bright BGR colour; neighbouring indices differ clearly in hue."""
    hsv = np.uint8([[[(index * 53) % 180, 170, 255]]])
    return tuple(int(c) for c in cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0])


def enlarge(image: np.ndarray,
            short_side: int = 360) -> Tuple[np.ndarray, float]:
    """Scale a small picture up; a large one is copied.

    Args:
        image (np.ndarray): (h, w, 3) uint8.
        short_side (int): Least length of the shorter side in pixels.

    Returns:
        tuple: The picture, and the factor (at least 1) that its sides grew
        by, which is also that of its boxes.
    """
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale <= 1:
        return image.copy(), 1.
    size = (round(width * scale), round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), scale


def draw_text(image: np.ndarray,
              text: str,
              at: Tuple[int, int],
              color: Color,
              size: float = .45) -> None:
    """Write one line on a dark plate, in place.

    Args:
        image (np.ndarray): (h, w, 3) uint8 BGR, changed.
        text (str): The line.
        at (tuple[int]): x and y of the base line's start in pixels; moved so
            that the plate stays inside, as far as it fits.
        color (tuple[int]): BGR.
        size (float): OpenCV's font scale.
    """
    (w, h), _ = cv2.getTextSize(text, FONT, size, 1)
    x = int(np.clip(at[0], 0, max(0, image.shape[1] - w - 4)))
    y = int(max(at[1], h + 4))
    cv2.rectangle(image, (x, y - h - 4), (x + w + 4, y + 3), (20, 20, 20), -1)
    cv2.putText(image, text, (x + 2, y), FONT, size, color, 1, cv2.LINE_AA)


def shorten(text: str, width: int, size: float, thickness: int = 1) -> str:
    """Cut a line and add '..' if it is wider than ``width`` pixels."""

    def fits(line: str) -> bool:
        return cv2.getTextSize(line, FONT, size, thickness)[0][0] <= width

    if fits(text):
        return text
    while text and not fits(f'{text}..'):
        text = text[:-1]
    return f'{text}..' if text else ''


def _bar(width: int, text: str, size: float) -> np.ndarray:
    bar = np.full((_BAR, width, 3), _DARK, np.uint8)
    draw_text(bar, shorten(text, width - 12, size), (4, 20), (255, 255, 255),
              size)
    return bar


def tile_grid(tiles: Sequence[np.ndarray],
              columns: int,
              title: str,
              captions: Optional[Sequence[str]] = None) -> np.ndarray:
    """A contact sheet: pictures in rows, under a title.

    Args:
        tiles (list[np.ndarray]): (h, w, 3) uint8 BGR each, of any size;
            smaller ones are filled up at the right and the bottom.
        columns (int): Pictures in a row; the last row is filled up.
        title (str): Cut where it is too long.
        captions (list[str], optional): One above each picture.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.

    Raises:
        ValueError: If there are no tiles, or captions for not all of them.
    """
    if not tiles:
        raise ValueError('a contact sheet needs at least one picture')
    if captions is not None:
        if len(captions) != len(tiles):
            raise ValueError(f'{len(captions)} captions for {len(tiles)} '
                             'pictures')
        tiles = [
            np.vstack([_bar(t.shape[1], c, .5), t])
            for t, c in zip(tiles, captions)
        ]
    height = max(t.shape[0] for t in tiles)
    width = max(t.shape[1] for t in tiles)
    filled: List[np.ndarray] = []
    for tile in list(tiles) + [tiles[0][:0]] * (-len(tiles) % columns):
        blank = np.full((height, width, 3), _DARK, np.uint8)
        blank[:tile.shape[0], :tile.shape[1]] = tile
        filled.append(
            cv2.copyMakeBorder(
                blank, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=[_DARK] * 3))
    rows = [
        np.hstack(filled[i:i + columns])
        for i in range(0, len(filled), columns)
    ]
    return np.vstack([_bar(rows[0].shape[1], title, .6)] + rows)
