# Copyright (c) mmevad authors. All rights reserved.
"""A 3-D stick skeleton posed by named angles, for all frames at once."""

from dataclasses import dataclass
from typing import Dict, Union

import numpy as np

SIDES = ('l', 'r')
JOINTS = ('pelvis', 'chest', 'head') + tuple(
    f'{name}_{side}' for side in SIDES
    for name in ('shoulder', 'elbow', 'hand', 'hip', 'knee', 'ankle', 'toe'))
JOINT = {name: i for i, name in enumerate(JOINTS)}

# Angles in degrees; `lift` in statures. Arm and leg angles are measured from
# hanging straight down, so a bent trunk does not rotate the arms.
POSE_KEYS = ('lean', 'tilt', 'nod', 'lift') + tuple(
    f'{name}_{side}' for side in SIDES
    for name in ('arm_fwd', 'arm_out', 'elbow_fwd', 'elbow_out', 'hip_fwd',
                 'hip_out', 'knee'))
POSE = {name: i for i, name in enumerate(POSE_KEYS)}
REST = dict(arm_out=9, elbow_fwd=14, hip_out=5, knee=4)


@dataclass(frozen=True)
class Body:
    """Segment lengths in units of the stature (which is in metres)."""

    stature: float = 1.7
    trunk: float = .28
    neck: float = .045
    head: float = .078
    upper_arm: float = .165
    forearm: float = .165
    thigh: float = .245
    shin: float = .235
    foot: float = .115
    ankle_height: float = .03
    shoulder: float = .105
    hip: float = .055
    girth: float = 1.0


def make_pose(num: int, **angles: Union[float, np.ndarray]) -> np.ndarray:
    """Rest pose with some angles replaced.

    Args:
        num (int): Number of frames, T.
        angles: Scalars or arrays of shape (T, ). ``knee=...`` sets both
            sides, ``knee_l=...`` one.

    Returns:
        np.ndarray: Angles of shape (T, len(POSE_KEYS)).
    """
    pose = np.zeros((num, len(POSE_KEYS)))
    return set_angles(set_angles(pose, REST), angles)


def set_angles(pose: np.ndarray, angles: Dict) -> np.ndarray:
    """Return a copy of ``pose`` (T x P) with the named angles replaced."""
    pose = pose.copy()
    for name, value in angles.items():
        keys = [name] if name in POSE else [f'{name}_{s}' for s in SIDES]
        for key in keys:
            pose[:, POSE[key]] = value
    return pose


def _limb(forward: np.ndarray, outward: np.ndarray, side: int) -> np.ndarray:
    """Unit vectors (T x 3: forward, left, up) of a limb hanging at 0, 0."""
    return np.stack([
        np.sin(forward) * np.cos(outward), side * np.sin(outward),
        -np.cos(forward) * np.cos(outward)
    ], -1)


def forward_kinematics(pose: np.ndarray, body: Body, position: np.ndarray,
                       yaw: np.ndarray) -> np.ndarray:
    """Joint positions in the world; the lower foot stands on the ground.

    Args:
        pose (np.ndarray): Angles in degrees, shape (T, len(POSE_KEYS)).
        body (Body): Segment lengths.
        position (np.ndarray): Ground position (x right, z away from the
            camera) between the feet in metres, shape (T, 2).
        yaw (np.ndarray): Heading in radians, 0 to the right and -pi / 2
            towards the camera, shape (T, ).

    Returns:
        np.ndarray: World positions (x, y up, z) in metres, shape
            (T, len(JOINTS), 3).
    """
    num = len(pose)
    angle = {k: np.deg2rad(pose[:, i]) for k, i in POSE.items()}
    zero = np.zeros(num)
    up = np.stack([
        np.sin(angle['lean']),
        np.sin(angle['tilt']),
        np.cos(angle['lean']) * np.cos(angle['tilt'])
    ], -1)
    look = angle['lean'] + angle['nod']
    head_up = np.stack([np.sin(look), np.sin(angle['tilt']), np.cos(look)], -1)
    left = np.stack([zero, np.cos(angle['tilt']), -np.sin(angle['tilt'])], -1)

    out = np.zeros((num, len(JOINTS), 3))
    out[:, JOINT['chest']] = body.trunk * up
    out[:, JOINT['head']] = (
        body.trunk * up + (body.neck + body.head) * head_up)
    for side, sign in (('l', 1), ('r', -1)):

        def get(name: str) -> np.ndarray:
            return angle[f'{name}_{side}']

        shoulder = out[:, JOINT['chest']] + sign * body.shoulder * left
        elbow = shoulder + body.upper_arm * _limb(
            get('arm_fwd'), get('arm_out'), sign)
        hand = elbow + body.forearm * _limb(
            get('arm_fwd') + get('elbow_fwd'),
            get('arm_out') + get('elbow_out'), sign)
        hip = np.stack([zero, zero + sign * body.hip, zero], -1)
        knee = hip + body.thigh * _limb(get('hip_fwd'), get('hip_out'), sign)
        shin = get('hip_fwd') - get('knee')
        ankle = knee + body.shin * _limb(shin, get('hip_out'), sign)
        tip = np.minimum(shin, 0) * .6  # a trailing foot points downwards
        toe = ankle + body.foot * np.stack(
            [np.cos(tip), zero, np.sin(tip)], -1)
        limbs = dict(
            shoulder=shoulder,
            elbow=elbow,
            hand=hand,
            hip=hip,
            knee=knee,
            ankle=ankle,
            toe=toe)
        for name, value in limbs.items():
            out[:, JOINT[f'{name}_{side}']] = value

    ankles = out[:, [JOINT['ankle_l'], JOINT['ankle_r']]]
    feet = out[:, [JOINT[f'{n}_{s}'] for n in ('ankle', 'toe') for s in SIDES]]
    out[..., :2] -= ankles[..., :2].mean(1, keepdims=True)
    out[..., 2] -= feet[..., 2].min(1, keepdims=True)
    out[..., 2] += body.ankle_height + pose[:, None, POSE['lift']]
    out *= body.stature

    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    forward, leftward, height = out[..., 0], out[..., 1], out[..., 2]
    return np.stack([
        position[:, None, 0] + cos * forward - sin * leftward, height,
        position[:, None, 1] + sin * forward + cos * leftward
    ], -1)
