# Copyright (c) mmevad authors. All rights reserved.
"""One video: script, figures, camera and props put together and drawn."""

from dataclasses import dataclass
from typing import Dict, Iterator, List, NamedTuple, Tuple

import cv2
import numpy as np

from .actions import (GESTURES, GRAB, LABEL_ID, LABELS, POSE_FUNCTIONS,
                      between, ease)
from .background import Background, render_background
from .camera import FOCAL, MOTIONS, Camera, half_view, sample_camera
from .figure import Sprite, draw_figure
from .look import Look
from .props import OCCLUDERS, Box3D, draw_ball, draw_box, sample_occluder
from .schedule import Director, Script, Step
from .skeleton import JOINT, forward_kinematics

SUPERSAMPLE = 3
SURROUNDINGS = .5  # brightness of all but people and what they pick up
_BLEND_SECONDS = .22


class Performance(NamedTuple):
    """All frames of one person.

    ``joints`` T x J x 3 metres, ``yaw`` T radians, ``labels`` T x K bool.
    """

    joints: np.ndarray
    yaw: np.ndarray
    labels: np.ndarray


class Item(NamedTuple):
    """A ball that lies on the ground until frame ``grab``, then in a hand."""

    owner: int
    hand: int
    place: np.ndarray
    grab: int
    end: int
    color: Tuple[int, int, int]


class DrawnFrame(NamedTuple):
    """One frame and its ground truth.

    ``image`` h x w x 3 uint8 BGR; ``boxes`` P x 4 pixels (x1, y1, x2, y2) of
    the whole figures clipped to the frame; ``visible`` P, the share of each
    figure's pixels that is inside the frame and not hidden; ``owner``
    supersampled map of who is seen where, 0 nobody, i + 1 person i.
    """

    image: np.ndarray
    boxes: np.ndarray
    visible: np.ndarray
    owner: np.ndarray


def perform(script: Script, look: Look, num_frames: int,
            fps: float) -> Performance:
    """Turn a script into joint positions and labels per frame."""
    poses, places, yaws = [], [], []
    labels = np.zeros((num_frames, len(LABELS)), bool)
    yaw_now = script.steps[0].yaw
    for step in script.steps:
        num = step.end - step.start
        t = np.arange(num) / fps
        u = (np.arange(num) + .5) / num
        pose = POSE_FUNCTIONS[step.action](u, t, step.style)
        turn = (step.yaw - yaw_now + np.pi) % (2 * np.pi) - np.pi
        yaw = yaw_now + turn * ease((t + .5 / fps) / .3)
        yaw_now = float(yaw[-1])
        if step.gesture:
            sideways = abs(np.sin(step.yaw)) < .5
            pose = GESTURES[step.gesture](pose, u, t, step.style, sideways)
        if poses:
            weight = ease((t + .5 / fps) / _BLEND_SECONDS)
            pose = between(poses[-1][-1:], pose, weight)
        # Walking is steady; a stumble is fast first.
        way = ease(u / .7) if step.action == 'be pushed' else u
        places.append(step.origin + way[:, None] * (step.target - step.origin))
        poses.append(pose)
        yaws.append(yaw)
        for name in (step.action, step.gesture):
            if name:
                labels[step.start:step.end, LABEL_ID[name]] = True
    pose, place, yaw = (
        np.concatenate(x)[:num_frames] for x in (poses, places, yaws))
    joints = forward_kinematics(pose, look.body, place, yaw)
    return Performance(joints, yaw, labels)


@dataclass
class Scene:
    """Everything needed to draw any frame of one video."""

    looks: List[Look]
    background: Background
    camera: Camera
    motion: str
    performances: List[Performance]
    scripts: List[Script]
    boxes: List[Box3D]
    items: List[Item]
    size: Tuple[int, int]
    fps: float
    noise_seed: int

    @property
    def num_frames(self) -> int:
        return len(self.camera.x)


def _seat(script: Script, rng: np.random.Generator) -> Box3D:
    place, yaw = script.seat
    back = np.array([np.cos(yaw), np.sin(yaw)]) * .25 * script.stature
    x, z = place - back
    color = tuple(int(c) for c in rng.integers(40, 190, 3))
    return Box3D((x, max(z, place[1] + .2)), .26 * script.stature,
                 .215 * script.stature, .3, color)


def _item(owner: int, step: Step, fps: float, end: int,
          rng: np.random.Generator) -> Item:
    grab = step.start + int(GRAB * (step.end - step.start))
    color = tuple(int(c) for c in rng.integers(60, 256, 3))
    return Item(owner, JOINT[f'hand_{step.style.side}'], step.ground_item,
                grab, end, color)


def build_scene(rng: np.random.Generator, looks: List[Look],
                background: Background, num_frames: int, fps: float,
                size: Tuple[int, int]) -> Scene:
    """Write the script of a video and work out all motion.

    Args:
        rng (np.random.Generator): Source of all choices.
        looks (list[Look]): The actors.
        background (Background): Where it takes place.
        num_frames (int): Length.
        fps (float): Frame rate.
        size (tuple[int]): Frame width and height in pixels.
    """
    aspect = size[0] / size[1]
    scripts = Director(rng, [k.body.stature for k in looks], num_frames, fps,
                       aspect).run()
    shows = [perform(s, k, num_frames, fps) for s, k in zip(scripts, looks)]
    motion = str(rng.choice(MOTIONS))
    camera = sample_camera(rng, motion, num_frames, fps,
                           (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE))
    boxes = [_seat(s, rng) for s in scripts if s.seat is not None]
    near = min(s.lane for s in scripts)
    for _ in range(int(rng.choice([0, 1, 2], p=[.6, .35, .05]))):
        kind = str(rng.choice(OCCLUDERS))
        boxes.append(sample_occluder(rng, kind, near, half_view(near, aspect)))
    items = []
    for i, script in enumerate(scripts):
        for step in script.steps:
            if step.ground_item is not None and step.start < num_frames:
                items.append(_item(i, step, fps, step.end, rng))
    return Scene(looks, background, camera, motion, shows, scripts, boxes,
                 items, size, fps, int(rng.integers(2**31)))


def _paste(canvas: np.ndarray, owner: np.ndarray, sprite: Sprite,
           value: int) -> None:
    """Put a sprite on the canvas, and ``value`` on the owner map."""
    height, width = owner.shape
    x, y = sprite.origin
    h, w = sprite.mask.shape
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w,
                                               width), min(y + h, height)
    if x1 >= x2 or y1 >= y2:
        return
    mask = sprite.mask[y1 - y:y2 - y, x1 - x:x2 - x]
    canvas[y1:y2, x1:x2][mask] = sprite.image[y1 - y:y2 - y,
                                              x1 - x:x2 - x][mask]
    owner[y1:y2, x1:x2][mask] = value


def sprite_box(sprite: Sprite, size: Tuple[int, int]) -> np.ndarray:
    """Tight box (4, ) of a sprite's mask clipped to the canvas, in pixels.

    Edges, not centres: one pixel in the corner has the box (0, 0, 1, 1).
    """
    rows, cols = np.flatnonzero(sprite.mask.any(1)), np.flatnonzero(
        sprite.mask.any(0))
    x, y = sprite.origin
    box = np.array(
        [x + cols[0], y + rows[0], x + cols[-1] + 1, y + rows[-1] + 1], float)
    limit = np.array(size * 2, float)
    return np.clip(box, 0, limit)


def dim(image: np.ndarray) -> np.ndarray:
    """Darken surroundings, so that a small network learns in minutes."""
    return (image * SURROUNDINGS).astype(image.dtype)


def draw_person(scene: Scene, person: int, frame: int) -> Sprite:
    """One person of one frame, supersampled, nothing hidden."""
    show, look = scene.performances[person], scene.looks[person]
    joints = show.joints[frame]
    unit = look.body.stature * scene.camera.pixels_per_metre(
        joints[JOINT['pelvis'], 2], frame)
    return draw_figure(
        scene.camera.project(joints, frame), joints[:, 2], unit, look,
        -np.sin(show.yaw[frame]))


def draw_frame(scene: Scene, frame: int) -> DrawnFrame:
    """Draw one frame (0-based) with its boxes and visible shares."""
    time = frame / scene.fps
    camera = scene.camera
    canvas = dim(render_background(scene.background, camera, frame, time))
    owner = np.zeros(canvas.shape[:2], np.uint8)
    queue = []
    for box in scene.boxes:
        sprite = draw_box(box, camera, frame, time)
        sprite = sprite._replace(image=dim(sprite.image))
        queue.append((box.position[1], sprite, 0))
    sprites: Dict[int, Sprite] = {}
    for i, show in enumerate(scene.performances):
        depth = float(show.joints[frame, JOINT['pelvis'], 2])
        sprites[i] = draw_person(scene, i, frame)
        queue.append((depth, sprites[i], i + 1))
    for item in scene.items:
        if frame >= item.end:
            continue
        show = scene.performances[item.owner]
        place = np.array([item.place[0], .07, item.place[1]])
        if frame >= item.grab:
            place = show.joints[frame, item.hand]
        ball = draw_ball(
            camera.project(place, frame),
            .07 * FOCAL * camera.size[1] / place[2], item.color)
        front = float(show.joints[frame, JOINT['pelvis'], 2]) - .02
        queue.append((min(front, place[2]) if frame >= item.grab else place[2],
                      ball, 0))
    for _, sprite, value in sorted(queue, key=lambda entry: -entry[0]):
        _paste(canvas, owner, sprite, value)

    boxes = np.stack(
        [sprite_box(sprites[i], camera.size) for i in range(len(sprites))])
    visible = np.array([(owner == i + 1).sum() / sprites[i].mask.sum()
                        for i in range(len(sprites))])
    image = cv2.resize(canvas, scene.size, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng([scene.noise_seed, frame])
    flicker = scene.background.light * (1 + .02 * np.sin(5 * time))
    image = image * flicker + grain.normal(0, 1.5, image.shape)
    image = np.clip(np.round(image), 0, 255).astype(np.uint8)
    return DrawnFrame(image, boxes / SUPERSAMPLE, visible, owner)


def draw_all(scene: Scene) -> Iterator[DrawnFrame]:
    """Draw all frames in order."""
    for frame in range(scene.num_frames):
        yield draw_frame(scene, frame)
