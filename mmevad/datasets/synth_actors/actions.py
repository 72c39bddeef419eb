# Copyright (c) mmevad authors. All rights reserved.
"""What every action looks like: poses as functions of time."""

from dataclasses import dataclass
from typing import Callable, Dict

import numpy as np

from .skeleton import make_pose, set_angles

# The order fixes the ids: 1-based in AVA files, 0-based elsewhere. Postures
# come last so that the timed activities have contiguous ids.
ACTIVITIES = ('walk', 'wave', 'jump', 'sit down', 'pick up', 'push',
              'be pushed')
POSTURES = ('stand', 'sit')
LABELS = ACTIVITIES + POSTURES
LABEL_ID = {name: i for i, name in enumerate(LABELS)}

CONTACT = .35  # phase of `push` at which the hands arrive
GRAB = .5  # phase of `pick up` at which the hand closes


@dataclass(frozen=True)
class Style:
    """How one person performs one action.

    Args:
        rate (float): Factor on the frequency of repeated motions.
        size (float): Factor on amplitudes.
        side (str): The arm or leg that leads, 'l' or 'r'.
        speed (float): Walking speed in metres per second.
        repeats (int): Number of jumps.
    """

    rate: float = 1.
    size: float = 1.
    side: str = 'r'
    speed: float = 1.1
    repeats: int = 1

    @classmethod
    def sample(cls, rng: np.random.Generator) -> 'Style':
        return cls(
            rate=rng.uniform(.85, 1.15),
            size=rng.uniform(.85, 1.15),
            side=str(rng.choice(['l', 'r'])),
            speed=rng.uniform(.7, 1.1),
            repeats=int(rng.integers(2, 5)))


def ease(x: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at 0 to 1 at 1, constant outside."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def bump(u: np.ndarray, start: float, peak: float, end: float) -> np.ndarray:
    """Rise from 0 at ``start`` to 1 at ``peak`` and back to 0 at ``end``."""
    return ease((u - start) / (peak - start)) * ease((end - u) / (end - peak))


def between(first: np.ndarray, second: np.ndarray,
            weight: np.ndarray) -> np.ndarray:
    """Blend two T x P poses with weights (T, ) of the second."""
    return first + weight[:, None] * (second - first)


def stand(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    sway = np.sin(2 * np.pi * .35 * style.rate * t)
    return make_pose(
        len(u), lean=1.5 * sway, tilt=1.5 * sway, arm_fwd=3 * sway, nod=4)


def sit(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    sway = np.sin(2 * np.pi * .3 * style.rate * t)
    return make_pose(
        len(u),
        lean=3 + 2 * sway,
        hip_fwd=82,
        knee=82,
        hip_out=8,
        arm_fwd=28,
        elbow_fwd=32,
        arm_out=10)


def walk(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    phase = 2 * np.pi * style.speed / 1.35 * t
    swing = 32 * style.size
    angles = dict(lean=5, elbow_fwd=25)
    for side, turn in (('l', 0), ('r', np.pi)):
        angles[f'hip_fwd_{side}'] = swing * np.sin(phase + turn) + 4
        angles[f'knee_{side}'] = 6 + 52 * np.maximum(0, np.cos(phase + turn))
        angles[f'arm_fwd_{side}'] = -swing * 1.1 * np.sin(phase + turn)
    return make_pose(len(u), **angles)


def jump(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    u = (u * style.repeats) % 1.0
    crouch = bump(u, 0, .2, .36) + .8 * bump(u, .7, .82, 1)
    air = np.clip((u - .3) / .45, 0, 1)
    fly = bump(u, .2, .42, .9)
    return make_pose(
        len(u),
        lean=26 * crouch,
        hip_fwd=58 * crouch + 4,
        knee=98 * crouch + 6,
        lift=.25 * style.size * 4 * air * (1 - air),
        arm_fwd=-40 * crouch + 60 * fly,
        arm_out=9 + 80 * fly,
        hip_out=5 + 10 * fly)


def sit_down(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    zero = np.zeros_like(t)
    pose = between(make_pose(len(t)), sit(zero, zero, style), ease(u))
    stoop = bump(u, 0, .55, 1)
    return set_angles(
        pose,
        dict(
            lean=pose[:, 0] + 40 * style.size * stoop,
            arm_fwd=28 * ease(u) + 55 * stoop))


def pick_up(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    num = len(u)
    low = make_pose(
        num, lean=62, nod=-20, hip_fwd=58, knee=98, arm_fwd=14, elbow_fwd=8)
    low = set_angles(low, {f'arm_fwd_{_other(style.side)}': 40})
    hold = make_pose(
        num, **{
            f'arm_fwd_{style.side}': 20,
            f'elbow_fwd_{style.side}': 85
        })
    down = ease(u / .42)
    return between(
        between(make_pose(num), low, down), hold, ease((u - .58) / .42))


def push(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    num = len(u)
    draw_back = make_pose(
        num, lean=-6, arm_fwd=-25, elbow_fwd=115, arm_out=14, knee=10)
    thrust = make_pose(
        num,
        lean=24 * style.size,
        arm_fwd=82,
        elbow_fwd=6,
        arm_out=2,
        **{
            f'hip_fwd_{style.side}': 34,
            f'knee_{style.side}': 36,
            f'hip_fwd_{_other(style.side)}': -24
        })
    pose = between(make_pose(num), draw_back, ease(u / .2))
    pose = between(pose, thrust, ease((u - .2) / (CONTACT - .2)))
    return between(pose, make_pose(num), ease((u - .8) / .2))


def be_pushed(u: np.ndarray, t: np.ndarray, style: Style) -> np.ndarray:
    hit = bump(u, -.05, .25, 1)
    steps = np.sin(2 * np.pi * 1.6 * u) * bump(u, 0, .3, 1)
    angles = dict(
        lean=-30 * style.size * hit,
        nod=18 * hit,
        arm_fwd=75 * hit,
        arm_out=9 + 38 * hit,
        elbow_fwd=14 + 20 * hit)
    for side, sign in (('l', 1), ('r', -1)):
        angles[f'hip_fwd_{side}'] = -32 * sign * steps + 10 * hit
        angles[f'knee_{side}'] = 6 + 45 * np.maximum(0, -sign * steps)
    return make_pose(len(u), **angles)


def _other(side: str) -> str:
    return 'l' if side == 'r' else 'r'


def add_wave(base: np.ndarray, u: np.ndarray, t: np.ndarray, style: Style,
             sideways: bool) -> np.ndarray:
    """Wave one arm over a base pose; ``sideways`` if seen in profile."""
    swing = 42 * style.size * np.sin(2 * np.pi * 1.5 * style.rate * t)
    if sideways:
        angles = dict(
            arm_fwd=150, arm_out=10, elbow_fwd=20 + swing, elbow_out=0)
    else:
        angles = dict(
            arm_fwd=10, arm_out=140, elbow_fwd=5, elbow_out=10 + swing)
    angles = {f'{k}_{style.side}': v for k, v in angles.items()}
    return between(base, set_angles(base, angles), _hold(u, t))


def _hold(u: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1 in the middle of a gesture, 0 at its ends; ramps take .2 s."""
    left = t - t[0] if len(t) else t
    right = t[-1] - t if len(t) else t
    return ease((left + .08) / .25) * ease((right + .08) / .25)


POSE_FUNCTIONS: Dict[str, Callable] = {
    'stand': stand,
    'sit': sit,
    'walk': walk,
    'jump': jump,
    'sit down': sit_down,
    'pick up': pick_up,
    'push': push,
    'be pushed': be_pushed
}
GESTURES: Dict[str, Callable] = {'wave': add_wave}
