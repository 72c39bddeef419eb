# Copyright (c) mmevad authors. All rights reserved.
"""Textured, moving surroundings: a wall and a floor in perspective."""

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from .camera import Camera

WALL_DEPTH = 8.  # metres
_NEAR = 1.1
_HALF_WIDTH = 7.5
_WALL_HEIGHT = 5.5
_WALL_SIZE = (768, 288)  # texture width and height in pixels
_FLOOR_SIZE = (512, 256)
WALLS = ('bricks', 'panels', 'foliage', 'skyline', 'curtain', 'tiles')
MOVEMENTS = ('sway', 'clouds', 'traffic')


@dataclass(frozen=True)
class Background:
    """Textures (h x w x 3 uint8) and how the wall's contents move."""

    background_id: str
    wall: np.ndarray
    floor: np.ndarray
    movement: str
    seed: int
    light: float


def value_noise(rng: np.random.Generator, size: Tuple[int, int],
                cells: Tuple[int, ...]) -> np.ndarray:
    """Sum of smooth random fields in 0..1, shape (height, width)."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    weight = 1.
    for count in cells:
        rows = max(2, int(count * height / width) + 1)
        grid = rng.random((rows, count + 1)).astype(np.float32)
        total += weight * cv2.resize(
            grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= .6
    low, high = total.min(), total.max()
    return (total - low) / (high - low + 1e-6)


def _color(rng: np.random.Generator, low: int, high: int) -> np.ndarray:
    """A rather dull colour: people should stand out a little."""
    grey = rng.uniform(low, high)
    return np.clip(grey + rng.uniform(-35, 35, 3), 0, 255)


def _wall(rng: np.random.Generator, kind: str) -> np.ndarray:
    width, height = _WALL_SIZE
    first, second = _color(rng, 60, 200), _color(rng, 60, 200)
    fine = value_noise(rng, _WALL_SIZE, (40, 90, 200))[..., None]
    image = np.broadcast_to(first, (height, width, 3)).copy()
    ys, xs = np.mgrid[:height, :width]
    if kind in ('bricks', 'tiles'):
        bw, bh = rng.integers(28, 64), rng.integers(14, 30)
        row = ys // bh
        col = (xs + (row % 2) * (bw // 2 if kind == 'bricks' else 0)) // bw
        tone = rng.uniform(.75, 1.25, (height // bh + 1, width // bw + 2))
        image *= tone[row, col][..., None]
        joint = (ys % bh < 2) | (
            (xs + (row % 2) * (bw // 2 if kind == 'bricks' else 0)) % bw < 2)
        image[joint] = second
    elif kind == 'panels':
        step = int(rng.integers(40, 110))
        tone = rng.uniform(.6, 1.3, width // step + 1)
        image *= tone[xs // step][..., None]
        image[xs % step < 3] = second
        image[ys > height * rng.uniform(.6, .8)] *= .7
    elif kind == 'curtain':
        fold = np.sin(xs * rng.uniform(.05, .16) +
                      3 * value_noise(rng, _WALL_SIZE, (6, 12)))
        image = first + (second - first) * (.5 + .5 * fold)[..., None]
    elif kind == 'foliage':
        noise = value_noise(rng, _WALL_SIZE, (12, 30, 70, 140))[..., None]
        green = np.array([40, 95, 55]) + rng.uniform(-25, 25, 3)
        image = green * .5 + noise * (green * 1.3 + rng.uniform(0, 40, 3))
        for x in rng.integers(0, width, 7):
            cv2.line(image, (int(x), height),
                     (int(x + rng.integers(-20, 20)), 0), (35., 55., 70.),
                     int(rng.integers(6, 16)))
    else:  # skyline
        sky = np.linspace(0, 1, height)[:, None, None]
        image = image * (1 - .4 * sky) + 60 * sky
        x = 0
        while x < width:
            w = int(rng.integers(40, 120))
            top = int(height * rng.uniform(.1, .6))
            color = _color(rng, 50, 170)
            image[top:, x:x + w] = color
            lit = color * rng.uniform(.6, 1.5)
            for wy in range(top + 8, height - 12, 18):
                for wx in range(x + 6, min(x + w, width) - 8, 15):
                    image[wy:wy + 9, wx:wx + 7] = lit
            x += w
    return np.clip(image * (.75 + .5 * fine), 0, 255).astype(np.uint8)


def _floor(rng: np.random.Generator) -> np.ndarray:
    width, height = _FLOOR_SIZE
    color = _color(rng, 70, 180)
    noise = value_noise(rng, _FLOOR_SIZE, (20, 60, 150, 300))[..., None]
    image = color * (.7 + .6 * noise)
    ys, xs = np.mgrid[:height, :width]
    style = rng.integers(3)
    if style == 0:  # paving
        step = int(rng.integers(24, 60))
        image[(xs % step < 2) | (ys % step < 2)] *= .65
    elif style == 1:  # boards
        step = int(rng.integers(14, 32))
        tone = rng.uniform(.8, 1.15, width // step + 1)
        image *= tone[xs // step][..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def sample_background(background_id: str,
                      rng: np.random.Generator) -> Background:
    """Draw one background at random."""
    kind = str(rng.choice(WALLS))
    movement = 'sway' if kind in ('foliage', 'curtain') else str(
        rng.choice(['clouds', 'traffic']))
    return Background(background_id, _wall(rng, kind), _floor(rng), movement,
                      int(rng.integers(2**31)), rng.uniform(.8, 1.1))


def _moving_wall(background: Background, time: float) -> np.ndarray:
    """The wall's texture at a time in seconds."""
    rng = np.random.default_rng(background.seed)
    wall = background.wall
    height, width = wall.shape[:2]
    if background.movement == 'sway':
        ys, xs = np.mgrid[:height, :width].astype(np.float32)
        rate, size = rng.uniform(1.2, 2.6), rng.uniform(3, 7)
        xs = xs + size * (1 - ys / height) * np.sin(
            rate * time * 2 + xs * .02 + ys * .015).astype(np.float32)
        return cv2.remap(
            wall, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    wall = wall.copy()
    for _ in range(5):
        speed = rng.uniform(25, 110) * rng.choice([-1, 1])
        w, h = int(rng.uniform(50, 130)), int(rng.uniform(25, 55))
        start = rng.uniform(0, width + w)
        x = int((start + speed * time) % (width + w)) - w
        color = _color(rng, 40, 220)
        if background.movement == 'traffic':
            y = height - int(rng.uniform(0, 25)) - h
            cv2.rectangle(wall, (x, y), (x + w, y + h), color, -1)
            cv2.rectangle(wall, (x + w // 6, y + h // 6),
                          (x + w // 2, y + h // 2), color * .5, -1)
        else:
            y = int(rng.uniform(0, height * .8))
            patch = wall[y:y + h, max(x, 0):max(x + w, 0)]
            patch[:] = (.55 * patch + .45 * color).astype(np.uint8)
    return wall


def render_background(background: Background, camera: Camera, frame: int,
                      time: float) -> np.ndarray:
    """Canvas (h x w x 3 uint8) of wall and floor as the camera sees them."""
    wall = _moving_wall(background, time)
    w, far, near, top = _HALF_WIDTH, WALL_DEPTH, _NEAR, _WALL_HEIGHT
    quads = ((wall, [(-w, top, far), (w, top, far), (w, 0, far),
                     (-w, 0, far)]), (background.floor, [(-w, 0, far),
                                                         (w, 0, far),
                                                         (w, 0, near),
                                                         (-w, 0, near)]))
    canvas = np.zeros((camera.size[1], camera.size[0], 3), np.uint8)
    for texture, corners in quads:
        th, tw = texture.shape[:2]
        source = np.array([(0, 0), (tw, 0), (tw, th), (0, th)], np.float32)
        target = camera.project(np.array(corners, float), frame)
        matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
        cv2.warpPerspective(
            texture,
            matrix,
            camera.size,
            dst=canvas,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT)
    return canvas
