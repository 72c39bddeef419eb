# Copyright (c) mmevad authors. All rights reserved.
"""Seats, things to pick up, and objects that hide people."""

from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from .camera import Camera
from .figure import Sprite, hull_of_circles, shade
from .look import Color

OCCLUDERS = ('pole', 'hedge', 'cart')


@dataclass(frozen=True)
class Box3D:
    """A block standing on the ground; metres, moving at ``speed`` m/s."""

    position: Tuple[float, float]
    width: float
    height: float
    depth: float
    color: Color
    kind: str = 'seat'
    speed: float = 0.


def sample_occluder(rng: np.random.Generator, kind: str, near: float,
                    half_width: float) -> Box3D:
    """Draw an occluder that stands at about the depth ``near``."""
    x = rng.uniform(-.8, .8) * half_width
    z = near * rng.uniform(.82, 1.1)
    color = tuple(int(c) for c in rng.integers(30, 200, 3))
    if kind == 'pole':
        return Box3D((x, z), rng.uniform(.14, .34), 3.5, .1, color, kind)
    if kind == 'hedge':
        return Box3D((x, z), rng.uniform(.8, 1.6), rng.uniform(.35, .7), .3,
                     color, kind)
    speed = rng.uniform(.4, .9) * rng.choice([-1, 1])
    start = -np.sign(speed) * half_width * rng.uniform(.9, 1.8)
    return Box3D((start, z), rng.uniform(.5, .9), rng.uniform(.9, 1.4), .4,
                 color, kind, speed)


def draw_box(box: Box3D, camera: Camera, frame: int, time: float) -> Sprite:
    """Draw a block: its front and its top, with a little pattern."""
    x, z = box.position[0] + box.speed * time, box.position[1]
    left, right = x - box.width / 2, x + box.width / 2
    near, far = z - box.depth / 2, z + box.depth / 2
    corners = camera.project(
        np.array([(left, 0, near), (right, 0, near), (right, box.height, near),
                  (left, box.height, near), (right, box.height, far),
                  (left, box.height, far)]), frame)
    origin = np.floor(corners.min(0)).astype(int) - 2
    width, height = np.ceil(corners.max(0)).astype(int) - origin + 3
    points = np.round(corners - origin).astype(np.int32)
    image = np.zeros((height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    top, front = points[[3, 2, 4, 5]], points[:4]
    for polygon, light in ((top, 1.2), (front, .9)):
        cv2.fillConvexPoly(image, polygon, shade(box.color, light))
        cv2.polylines(image, [polygon], True, shade(box.color, .5), 2)
        cv2.fillConvexPoly(mask, polygon, 1)
    rows = np.linspace(points[3], points[0], 5).astype(int)[1:-1, 1]
    for row in rows if box.kind != 'pole' else ():
        cv2.line(image, (int(front[0, 0]) + 3, int(row)),
                 (int(front[1, 0]) - 3, int(row)), shade(box.color, .7), 2)
    return Sprite(image, mask.astype(bool), (int(origin[0]), int(origin[1])))


def draw_ball(center: np.ndarray, radius: float, color: Color) -> Sprite:
    """Draw a ball at a pixel position (2, ) with a radius in pixels."""
    size = 2 * int(radius + 3)
    origin = np.round(center).astype(int) - size // 2
    image = np.zeros((size, size, 3), np.uint8)
    mask = np.zeros((size, size), np.uint8)
    polygon = np.round(hull_of_circles((center - origin, radius)))
    polygon = polygon.astype(np.int32)
    cv2.fillConvexPoly(image, polygon, color)
    cv2.polylines(image, [polygon], True, shade(color, .5), 1)
    cv2.fillConvexPoly(mask, polygon, 1)
    return Sprite(image, mask.astype(bool), (int(origin[0]), int(origin[1])))
