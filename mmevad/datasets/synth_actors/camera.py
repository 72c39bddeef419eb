# Copyright (c) mmevad authors. All rights reserved.
"""A pinhole camera that pans, zooms, rolls and shakes."""

from dataclasses import dataclass
from typing import Tuple

import numpy as np

FOCAL = 1.2  # in frame heights, before zoom
HORIZON = .42  # in frame heights from the top
HEIGHT = 1.05  # metres above the ground
MOTIONS = ('still', 'pan', 'zoom', 'handheld', 'all')


@dataclass(frozen=True)
class Camera:
    """Camera parameters per frame, arrays of shape (T, ).

    Args:
        x (np.ndarray): Sideways position in metres.
        zoom (np.ndarray): Factor on the focal length.
        roll (np.ndarray): Radians.
        shift (np.ndarray): Shake (x, y) in frame heights, shape (T, 2).
        size (tuple[int]): Width and height of the canvas in pixels.
    """

    x: np.ndarray
    zoom: np.ndarray
    roll: np.ndarray
    shift: np.ndarray
    size: Tuple[int, int]

    def project(self, points: np.ndarray, frame: int) -> np.ndarray:
        """Pixels (...

        x 2) of world points (... x 3: x, y up, z).
        """
        width, height = self.size
        scale = FOCAL * height * self.zoom[frame] / points[..., 2]
        u = scale * (points[..., 0] - self.x[frame])
        v = -scale * (points[..., 1] - HEIGHT) + (HORIZON - .5) * height
        cos, sin = np.cos(self.roll[frame]), np.sin(self.roll[frame])
        du, dv = self.shift[frame] * height
        return np.stack([
            cos * u - sin * v + width / 2 + du,
            sin * u + cos * v + height / 2 + dv
        ], -1)

    def pixels_per_metre(self, depth: float, frame: int) -> float:
        return FOCAL * self.size[1] * self.zoom[frame] / depth


def half_view(depth: float, aspect: float) -> float:
    """Half the visible width in metres at a depth, for a still camera."""
    return .5 * aspect * depth / FOCAL


def _wander(rng: np.random.Generator, num: int, width: float) -> np.ndarray:
    """Smooth noise in about -1..1, shape (num, )."""
    knots = rng.uniform(-1, 1, int(num / width) + 4)
    at = np.linspace(0, len(knots) - 1, num)
    low = np.floor(at).astype(int).clip(0, len(knots) - 2)
    part = at - low
    part = part * part * (3 - 2 * part)
    return knots[low] * (1 - part) + knots[low + 1] * part


def sample_camera(rng: np.random.Generator, motion: str, num: int, fps: float,
                  size: Tuple[int, int]) -> Camera:
    """Draw a camera path of ``num`` frames for one of ``MOTIONS``."""
    x = np.zeros(num)
    zoom = np.ones(num)
    shake = .0008
    roll = np.zeros(num)
    if motion in ('pan', 'all'):
        x = x + rng.uniform(.25, .5) * _wander(rng, num, 3.5 * fps)
    if motion in ('zoom', 'all'):
        zoom = zoom + rng.uniform(.05, .1) * _wander(rng, num, 3 * fps)
    if motion in ('handheld', 'all'):
        shake = rng.uniform(.006, .014)
        roll = np.deg2rad(2.) * _wander(rng, num, .9 * fps)
    shift = shake * np.stack(
        [_wander(rng, num, .4 * fps),
         _wander(rng, num, .4 * fps)], -1)
    return Camera(x, zoom, roll, shift, size)
