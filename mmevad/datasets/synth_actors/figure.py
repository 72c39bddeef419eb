# Copyright (c) mmevad authors. All rights reserved.
"""Drawing a posed person as shaded, outlined, depth-sorted limbs."""

from typing import List, NamedTuple, Tuple

import cv2
import numpy as np

from .look import Color, Look
from .skeleton import JOINT

_CIRCLE = np.stack([
    np.cos(np.linspace(0, 2 * np.pi, 14, endpoint=False)),
    np.sin(np.linspace(0, 2 * np.pi, 14, endpoint=False))
], -1)


class Sprite(NamedTuple):
    """A drawn thing: pixels, where they count, and the top left corner.

    ``image`` is h x w x 3 uint8, ``mask`` h x w bool, ``origin`` (x, y).
    """

    image: np.ndarray
    mask: np.ndarray
    origin: Tuple[int, int]


class _Part(NamedTuple):
    depth: float
    polygon: np.ndarray  # N x 2 pixels
    color: Color


def hull_of_circles(*circles: Tuple[np.ndarray, float]) -> np.ndarray:
    """Convex hull (N x 2) of circles given as (centre, radius) in pixels."""
    points = np.concatenate(
        [np.asarray(c) + max(r, .5) * _CIRCLE for c, r in circles])
    return cv2.convexHull(points.astype(np.float32))[:, 0]


def shade(color: Color, factor: float) -> Color:
    """Scale a colour's brightness."""
    return tuple(int(min(255, max(0, c * factor))) for c in color)


def _parts(points: np.ndarray, depth: np.ndarray, unit: float, look: Look,
           facing: float) -> List[_Part]:
    """Polygons of one person.

    Args:
        points (np.ndarray): Projected joints in pixels, shape (J, 2).
        depth (np.ndarray): Distances from the camera in metres, shape (J, ).
        unit (float): Pixels per stature.
        look (Look): Colours and shape.
        facing (float): 1 towards the camera, -1 away from it.
    """
    girth = unit * look.body.girth
    pt = {k: points[i] for k, i in JOINT.items()}
    far = {k: depth[i] for k, i in JOINT.items()}
    middle = far['pelvis']
    parts = []

    def add(color: Color, near: float, *circles) -> None:
        light = 1 - .55 * float(np.clip(near - middle, -.25, .35))
        parts.append(
            _Part(near, hull_of_circles(*circles), shade(color, light)))

    torso = [(pt[f'shoulder_{s}'], .042 * girth) for s in 'lr']
    torso += [(pt[f'hip_{s}'], .05 * girth) for s in 'lr']
    torso_depth = (far['chest'] + far['pelvis']) / 2
    add(look.shirt, torso_depth, *torso)
    if look.striped:
        ends = [.45 * pt[f'shoulder_{s}'] + .55 * pt[f'hip_{s}'] for s in 'lr']
        add(look.stripe, torso_depth - 1e-3, *[(e, .04 * girth) for e in ends])
    add(look.trousers, middle - 2e-3,
        *[(pt[f'hip_{s}'], .054 * girth) for s in 'lr'])
    if look.legwear == 'skirt':
        hem = [.25 * pt[f'hip_{s}'] + .75 * pt[f'knee_{s}'] for s in 'lr']
        add(look.trousers, middle - .03,
            *[(pt[f'hip_{s}'], .056 * girth) for s in 'lr'],
            *[(h, .05 * girth) for h in hem])

    lower_arm = look.shirt if look.long_sleeves else look.skin
    upper_leg = look.skin if look.legwear == 'skirt' else look.trousers
    lower_leg = look.trousers if look.legwear == 'long' else look.skin
    for s in 'lr':
        q = {
            n: pt[f'{n}_{s}']
            for n in ('shoulder', 'elbow', 'hand', 'hip', 'knee', 'ankle',
                      'toe')
        }
        z = {n: far[f'{n}_{s}'] for n in q}
        add(upper_leg, (z['hip'] + z['knee']) / 2, (q['hip'], .056 * girth),
            (q['knee'], .042 * girth))
        add(lower_leg, (z['knee'] + z['ankle']) / 2, (q['knee'], .041 * girth),
            (q['ankle'], .026 * girth))
        add(look.shoes, z['ankle'] - .02, (q['ankle'], .03 * girth),
            (q['toe'], .02 * girth))
        arm = .033 * girth
        add(look.shirt, (z['shoulder'] + z['elbow']) / 2 - .02,
            (q['shoulder'], .036 * girth), (q['elbow'], arm))
        add(lower_arm, (z['elbow'] + z['hand']) / 2 - .03, (q['elbow'], arm),
            (q['hand'], .024 * girth))
        add(look.skin, z['hand'] - .05, (q['hand'], .03 * girth))

    head, radius = pt['head'], look.body.head * unit
    up = head - pt['chest']
    up = up / (np.linalg.norm(up) + 1e-6)
    z_head = far['head'] - .02
    add(look.skin, far['chest'] + .01, (pt['chest'], .03 * girth),
        (head, .03 * girth))
    back = np.array([
        np.sign(pt['toe_l'][0] + pt['toe_r'][0] - pt['ankle_l'][0] -
                pt['ankle_r'][0]), 0
    ])
    profile = (1 - abs(facing)) * back
    add(look.skin, z_head, (head, radius))
    if look.hair_style != 'bald':
        color = look.stripe if look.hair_style == 'cap' else look.hair
        top = head + .55 * radius * up - .25 * radius * profile
        if facing < -.3:
            add(color, z_head - .02, (head + .1 * radius * up, 1.04 * radius))
        else:
            add(color, z_head - .01, (top, .66 * radius),
                (top - (.55 * up + .45 * profile) * radius * abs(profile[0]),
                 .6 * radius))
        if look.hair_style == 'cap' and facing > -.3:
            brim = head + .35 * radius * up + 1.15 * radius * profile
            add(
                shade(color, .8), z_head - .02, (top, .25 * radius),
                (brim, .2 * radius))
        if look.hair_style == 'long':
            end = head - 1.3 * radius * up - .55 * radius * profile
            near = -.015 if facing < -.3 else .06
            add(color, z_head + near, (head, 1.02 * radius),
                (end, .75 * radius))
    if facing > -.2:
        across = np.array([up[1], -up[0]])
        for sign in (-1, 1):
            eye = (
                head + .12 * radius * up + .5 * radius * profile +
                sign * .38 * radius * max(facing, .1) * across)
            add((30, 25, 25), z_head - .03, (eye, .12 * radius))
    return parts


def draw_figure(points: np.ndarray, depth: np.ndarray, unit: float, look: Look,
                facing: float) -> Sprite:
    """Draw one person on a tile just large enough for the whole figure.

    Args:
        points (np.ndarray): Projected joints in pixels, shape (J, 2).
        depth (np.ndarray): Distances from the camera in metres, shape (J, ).
        unit (float): Pixels per stature.
        look (Look): The actor.
        facing (float): 1 towards the camera, -1 away from it.

    Returns:
        Sprite: The tile may lie partly outside of the frame.
    """
    parts = sorted(
        _parts(points, depth, unit, look, facing),
        key=lambda part: -part.depth)
    corners = np.concatenate([part.polygon for part in parts])
    origin = np.floor(corners.min(0)).astype(int) - 2
    width, height = np.ceil(corners.max(0)).astype(int) - origin + 3
    image = np.zeros((height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    for part in parts:
        polygon = np.round(part.polygon - origin).astype(np.int32)
        cv2.fillConvexPoly(image, polygon, part.color)
        cv2.polylines(image, [polygon], True, shade(part.color, .62), 1)
        cv2.fillConvexPoly(mask, polygon, 1)
        cv2.polylines(mask, [polygon], True, 1, 1)
    return Sprite(image, mask.astype(bool), (int(origin[0]), int(origin[1])))
