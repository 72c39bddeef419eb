# Copyright (c) mmevad authors. All rights reserved.
"""Predictions for a video -> JSON, annotated video and contact sheet."""
import json
import os.path as osp
from typing import Dict, List, Sequence, Tuple

import cv2
import numpy as np

from mmevad.utils.errors import DataError
from mmevad.visualization import Actor, draw_actors, tile_grid
from .evad_inferencer import Detection, Keyframe
from .video_reader import VideoReader


def top_actions(person: Detection, classes: Sequence[str], top_k: int,
                score_thr: float) -> List[Tuple[str, float]]:
    """(name, score) of at most ``top_k`` actions, the likeliest first.

    Scores below ``score_thr`` are left out.
    """
    order = np.argsort(-person.scores, kind='stable')[:top_k]
    return [(classes[i], float(person.scores[i])) for i in order
            if person.scores[i] >= score_thr]


def to_actors(keyframe: Keyframe, classes: Sequence[str], top_k: int,
              score_thr: float) -> List[Actor]:
    """What to draw; the colour is that of a person's likeliest action."""
    return [
        Actor(person.box, person.person_score,
              top_actions(person, classes, top_k, score_thr),
              int(person.scores.argmax())) for person in keyframe.persons
    ]


def to_dict(video: VideoReader,
            keyframes: Sequence[Keyframe],
            classes: Sequence[str],
            top_k: int = 3,
            score_thr: float = .3) -> Dict:
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
                }) for actor in to_actors(keyframe, classes, top_k, score_thr)
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


def write_json(path: str, content: Dict) -> None:
    """Write a dict, indented."""
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write('\n')


def _drawn(video: VideoReader, frame: int,
           actors: Sequence[Actor]) -> np.ndarray:
    image = cv2.cvtColor(video.read([frame])[0], cv2.COLOR_RGB2BGR)
    return draw_actors(image, actors)


def write_video(path: str,
                video: VideoReader,
                keyframes: Sequence[Keyframe],
                classes: Sequence[str],
                top_k: int = 3,
                score_thr: float = .3) -> None:
    """Write an mp4 file; each frame shows the boxes of its nearest keyframe.

    Args:
        path (str): File to write.
        video (VideoReader): The video.
        keyframes (list[Keyframe]): At least one, in the order of time.
        classes (list[str]): Names of the actions.
        top_k (int): Actions per person.
        score_thr (float): Least score of an action.

    Raises:
        DataError: If OpenCV cannot write mp4 files here.
    """
    shown = [to_actors(k, classes, top_k, score_thr) for k in keyframes]
    centres = np.array([k.index for k in keyframes])
    writer = None
    for frame in range(len(video)):
        nearest = int(np.abs(centres - frame).argmin())
        image = _drawn(video, frame, shown[nearest])
        # encoders want even sides
        image = image[:image.shape[0] // 2 * 2, :image.shape[1] // 2 * 2]
        if writer is None:
            writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'),
                                     video.fps, image.shape[1::-1])
            if not writer.isOpened():
                raise DataError(f'OpenCV cannot write {path} as mp4.')
        writer.write(image)
    writer.release()


def write_sheet(path: str,
                video: VideoReader,
                keyframes: Sequence[Keyframe],
                classes: Sequence[str],
                top_k: int = 3,
                score_thr: float = .3,
                max_tiles: int = 12,
                columns: int = 4) -> None:
    """Write a PNG of up to ``max_tiles`` keyframes, spread over the video.

    Raises:
        DataError: If the file cannot be written.
    """
    count = min(max_tiles, len(keyframes))
    chosen = np.linspace(0, len(keyframes) - 1, count).round().astype(int)
    tiles, captions = [], []
    for keyframe in (keyframes[i] for i in chosen):
        actors = to_actors(keyframe, classes, top_k, score_thr)
        tiles.append(_drawn(video, keyframe.index, actors))
        nobody = '' if actors else ', nobody found'
        captions.append(f'{keyframe.time:.2f} s, frame {keyframe.index}' +
                        nobody)
    title = osp.basename(osp.normpath(video.path))
    sheet = tile_grid(tiles, min(columns, count), title, captions)
    if not cv2.imwrite(path, sheet):
        raise DataError(f'{path} cannot be written.')
