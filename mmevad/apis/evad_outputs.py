# Copyright (c) mmevad authors. All rights reserved.
"""Predictions for a video -> JSON, annotated video and contact sheet."""
import os.path as osp
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import VideoReader
from mmevad.visualization import Actor, draw_actors, tile_grid


class Detection(NamedTuple):
    """A person on a keyframe.

    Attributes:
        box (np.ndarray): (4, ) xyxy in pixels of the video.
        person_score (float): In [0, 1].
        scores (np.ndarray): (classes, ), of each action, without background.
    """
    box: np.ndarray
    person_score: float
    scores: np.ndarray


class Keyframe(NamedTuple):
    """The persons on one frame, the surest first."""
    index: int
    time: float
    persons: List[Detection]


class Shown(NamedTuple):
    """Which actions are shown.

    Attributes:
        classes (list[str]): Names of all actions.
        top_k (int): Actions of a person, at most.
        score_thr (float): Actions with a lower score are left out.
        chosen (list[int]): Indices of those that may be shown.
    """
    classes: Sequence[str]
    top_k: int
    score_thr: float
    chosen: Sequence[int]


def top_actions(person: Detection, shown: Shown) -> List[Tuple[str, float]]:
    """(name, score) of the actions to show, the likeliest first."""
    order = sorted(shown.chosen, key=lambda i: -person.scores[i])
    return [(shown.classes[i], float(person.scores[i]))
            for i in order[:shown.top_k]
            if person.scores[i] >= shown.score_thr]


def describe(keyframe: Keyframe, shown: Shown) -> str:
    """One line: time, then each person with score and actions."""
    parts = []
    for person in keyframe.persons:
        actions = ', '.join(f'{name} {score:.2f}'
                            for name, score in top_actions(person, shown))
        parts.append(f'person {person.person_score:.2f}: '
                     f'{actions or "no action"}')
    return f'{keyframe.time:8.2f} s  {"; ".join(parts) or "nobody"}'


def to_actors(keyframe: Keyframe, shown: Shown) -> List[Actor]:
    """What to draw; the colour is that of a person's likeliest action."""
    return [
        Actor(person.box, person.person_score, top_actions(person, shown),
              max(shown.chosen, key=lambda i: person.scores[i]))
        for person in keyframe.persons
    ]


def to_dict(video: VideoReader, keyframes: Sequence[Keyframe],
            shown: Shown) -> Dict:
    """Plain lists and numbers, for JSON.

    Returns:
        dict: ``video``, ``width``, ``height``, ``fps``, ``num_frames`` and
        ``keyframes``: a list of ``time`` (seconds), ``frame`` (from 0) and
        ``actors``, each with ``box`` (x1, y1, x2, y2 in pixels of the video),
        ``person_score`` and ``actions`` (name to score, the likeliest first).
    """
    rows = []
    for keyframe in keyframes:
        actors = [
            dict(
                box=[round(float(x), 2) for x in actor.box],
                person_score=round(actor.person_score, 4),
                actions={
                    name: round(score, 4)
                    for name, score in actor.actions
                }) for actor in to_actors(keyframe, shown)
        ]
        rows.append(
            dict(
                time=round(keyframe.time, 3),
                frame=keyframe.index,
                actors=actors))
    return dict(
        video=osp.basename(osp.normpath(video.path)),
        width=video.size[0],
        height=video.size[1],
        fps=round(float(video.fps), 4),
        num_frames=len(video),
        keyframes=rows)


def _drawn(video: VideoReader, frame: int,
           actors: Sequence[Actor]) -> np.ndarray:
    image = cv2.cvtColor(video.read([frame])[0], cv2.COLOR_RGB2BGR)
    return draw_actors(image, actors)


def drawn_frames(video: VideoReader, keyframes: Sequence[Keyframe],
                 shown: Shown) -> Iterator[np.ndarray]:
    """All frames, each with the boxes of its nearest keyframe.

    Args:
        video (VideoReader): The video.
        keyframes (list[Keyframe]): At least one, in the order of time.
        shown (Shown): Which actions.

    Yields:
        np.ndarray: (h, w, 3) uint8 BGR.
    """
    actors = [to_actors(keyframe, shown) for keyframe in keyframes]
    centres = np.array([keyframe.index for keyframe in keyframes])
    for frame in range(len(video)):
        nearest = int(np.abs(centres - frame).argmin())
        yield _drawn(video, frame, actors[nearest])


def write_video(path: str, video: VideoReader, keyframes: Sequence[Keyframe],
                shown: Shown) -> None:
    """Write :func:`drawn_frames` as an mp4 file.

    Raises:
        DataError: If OpenCV cannot write mp4 files here.
    """
    writer = None
    for image in drawn_frames(video, keyframes, shown):
        # encoders want even sides
        image = image[:image.shape[0] // 2 * 2, :image.shape[1] // 2 * 2]
        if writer is None:
            writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'),
                                     video.fps, image.shape[1::-1])
            if not writer.isOpened():
                raise DataError(f'OpenCV cannot write {path} as mp4.')
        writer.write(image)
    writer.release()


def draw_sheet(video: VideoReader,
               keyframes: Sequence[Keyframe],
               shown: Shown,
               max_tiles: int = 12,
               columns: int = 4) -> np.ndarray:
    """Up to ``max_tiles`` keyframes, spread over the video.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR.
    """
    count = min(max_tiles, len(keyframes))
    chosen = np.linspace(0, len(keyframes) - 1, count).round().astype(int)
    tiles, captions = [], []
    for keyframe in (keyframes[i] for i in chosen):
        actors = to_actors(keyframe, shown)
        tiles.append(_drawn(video, keyframe.index, actors))
        nobody = '' if actors else ', nobody found'
        captions.append(f'{keyframe.time:.2f} s, frame {keyframe.index}' +
                        nobody)
    title = osp.basename(osp.normpath(video.path))
    return tile_grid(tiles, min(columns, count), title, captions)
