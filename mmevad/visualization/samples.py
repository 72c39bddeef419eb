# Copyright (c) mmevad authors. All rights reserved.
"""Data samples as pictures: actors on a keyframe, segments of a video.

Of predictions beside ground truth, or of what a pipeline hands to a model.
"""
from typing import List, Optional, Sequence

import cv2
import numpy as np
from mmaction.structures import ActionDataSample
from torch import Tensor

from mmevad.structures import FeatureGrid
from .boxes import Actor, draw_actors
from .canvas import draw_text, tile_grid
from .timeline import draw_timeline

_FRAME_WIDTH, _FRAME_COLUMNS = 160, 4  # beside a keyframe


def clip_images(clip: Tensor) -> np.ndarray:
    """Clip (3, T, H, W) in RGB, 0 to 255 -> (T, H, W, 3) uint8 BGR."""
    images = clip.detach().cpu().float().round().clamp(0, 255)
    return np.ascontiguousarray(
        images.permute(1, 2, 3, 0).flip(-1).numpy().astype(np.uint8))


def _class_name(classes: Optional[Sequence[str]], index: int) -> str:
    return f'class {index}' if classes is None else classes[index]


def true_actors(sample: ActionDataSample, num_classes: int,
                classes: Optional[Sequence[str]]) -> List[Actor]:
    """Annotated persons of a sample, with all of their actions.

    Args:
        sample (ActionDataSample): ``gt_instances``: ``bboxes`` (n, 4) in
            pixels of the clip, ``labels`` multi-hot.
        num_classes (int): Without background.
        classes (list[str], optional): Their names.
    """
    gts = sample.gt_instances.cpu().numpy()
    labels = np.asarray(gts.labels)[:, -num_classes:] > 0
    return [
        Actor(box, None, [(_class_name(classes, k), None)
                          for k in np.flatnonzero(row)], i)
        for i, (box, row) in enumerate(zip(gts.bboxes, labels))
    ]


def predicted_actors(sample: ActionDataSample,
                     size: Sequence[int],
                     classes: Optional[Sequence[str]],
                     top_k: int = 3,
                     score_thr: float = 0.1) -> List[Actor]:
    """Predicted persons of a sample.

    Args:
        sample (ActionDataSample): ``pred_instances`` of EVAD.
        size (tuple[int]): Width and height of the picture in pixels.
        classes (list[str], optional): Names, without background.
        top_k (int): Most actions of a person.
        score_thr (float): Actions with a lower score are left out.
    """
    found = sample.pred_instances.cpu().numpy()
    boxes, scores = found.bboxes * np.tile(size, 2), found.scores[:, 1:]
    actors = []
    for i, (box, row) in enumerate(zip(boxes, scores)):
        best = [
            k for k in np.argsort(-row, kind='stable')[:top_k]
            if row[k] >= score_thr
        ]
        actors.append(
            Actor(box, float(found.person_scores[i]),
                  [(_class_name(classes, k), float(row[k])) for k in best], i))
    return actors


def draw_keyframe(clip: Tensor,
                  sample: ActionDataSample,
                  classes: Optional[Sequence[str]] = None,
                  title: str = '',
                  top_k: int = 3,
                  score_thr: float = 0.1) -> np.ndarray:
    """Ground truth beside prediction on the frame in the middle of a clip.

    Args:
        clip (Tensor): (3, T, H, W) in RGB, 0 to 255.
        sample (ActionDataSample): ``pred_instances`` of EVAD;
            ``gt_instances``, if there are any: ``bboxes`` in pixels of the
            clip, ``labels`` multi-hot.
        classes (list[str], optional): Names of the actions, without
            background. Defaults to None, which means numbers.
        title (str): Defaults to ''.
        top_k (int): Most actions of a person. Defaults to 3.
        score_thr (float): Actions with a lower score are left out. Defaults
            to 0.1.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    image = clip_images(clip)[clip.size(1) // 2]
    found = predicted_actors(sample, image.shape[1::-1], classes, top_k,
                             score_thr)
    tiles, captions = [draw_actors(image, found)], ['prediction']
    if 'gt_instances' in sample:
        true = true_actors(sample,
                           sample.pred_instances.scores.size(1) - 1, classes)
        tiles.insert(0, draw_actors(image, true))
        captions.insert(0, 'ground truth')
    picture = tile_grid(tiles, len(tiles), title, captions)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def true_segments(sample: ActionDataSample,
                  classes: Optional[Sequence[str]]) -> List[dict]:
    """Annotated segments of a sample, in seconds, for a timeline."""
    gts = sample.gt_instances.cpu()
    grid = FeatureGrid(sample.fps, sample.feat_stride, sample.num_frames)
    return [
        dict(segment=segment, label=_class_name(classes, label))
        for segment, label in zip(
            grid.to_seconds(gts.segments).tolist(), gts.labels.tolist())
    ]


def draw_segments(sample: ActionDataSample,
                  classes: Optional[Sequence[str]] = None,
                  title: str = '',
                  max_segments: int = 20,
                  score_thr: float = 0.1) -> np.ndarray:
    """Timeline of a video: ground truth above prediction.

    Args:
        sample (ActionDataSample): Metainfo ``duration``, ``fps``,
            ``feat_stride`` and ``num_frames``, ``pred_instances`` of
            ActionFormer in seconds; ``gt_instances``, if there are any:
            ``segments`` on the grid and ``labels``.
        classes (list[str], optional): Names. Defaults to None, which means
            numbers.
        title (str): Defaults to ''.
        max_segments (int): Most predictions, the best. Defaults to 20.
        score_thr (float): Predictions with a lower score are left out.
            Defaults to 0.1.

    Returns:
        np.ndarray: (H, 1200, 3) uint8 RGB.
    """
    rows = {}
    if 'gt_instances' in sample:
        rows['ground truth'] = true_segments(sample, classes)
    found = sample.pred_instances.cpu()
    order = found.scores.argsort(descending=True)[:max_segments]
    found = found[order]
    found = found[found.scores >= score_thr]
    rows['prediction'] = [
        dict(segment=segment, label=_class_name(classes, label), score=score)
        for segment, label, score in zip(found.segments.tolist(
        ), found.labels.tolist(), found.scores.tolist())
    ]
    return draw_timeline(
        rows, float(sample.duration), classes=classes, title=title)


def draw_clip_item(clip: Tensor,
                   sample: ActionDataSample,
                   num_classes: int,
                   classes: Optional[Sequence[str]] = None,
                   title: str = '') -> np.ndarray:
    """What a model is trained on: keyframe with ground truth, and all frames.

    Args:
        clip (Tensor): (3, T, H, W) in RGB, 0 to 255.
        sample (ActionDataSample): ``gt_instances``: ``bboxes`` in pixels of
            the clip, ``labels`` multi-hot.
        num_classes (int): Without background.
        classes (list[str], optional): Their names. Defaults to None, which
            means numbers.
        title (str): Defaults to ''.

    Returns:
        np.ndarray: (H', W', 3) uint8 BGR.
    """
    images = clip_images(clip)
    key = len(images) // 2
    actors = true_actors(sample, num_classes, classes)
    strip = []
    for i, image in enumerate(images):
        scale = _FRAME_WIDTH / image.shape[1]
        frame = cv2.resize(
            image, (_FRAME_WIDTH, round(image.shape[0] * scale)),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        if i == key:
            cv2.rectangle(frame, (0, 0),
                          (frame.shape[1] - 1, frame.shape[0] - 1),
                          (255, ) * 3, 2)
        draw_text(frame, str(i), (4, 15), (255, ) * 3, .42)
        strip.append(frame)
    size = f'{images.shape[2]} x {images.shape[1]} pixels'
    return tile_grid([
        draw_actors(images[key], actors),
        tile_grid(strip, _FRAME_COLUMNS, f'{len(images)} frames, {size}')
    ], 2, title, [f'keyframe, {len(actors)} annotated', 'clip'])


def draw_feature_item(feats: Tensor,
                      sample: ActionDataSample,
                      classes: Optional[Sequence[str]] = None,
                      title: str = '') -> np.ndarray:
    """What a model is trained on: segments below the norm of the features.

    Time is counted from the first frame that the first feature sees; after a
    crop this is not that of the video.

    Args:
        feats (Tensor): (C, T).
        sample (ActionDataSample): Metainfo ``fps``, ``feat_stride`` and
            ``num_frames``; ``gt_instances``, if there are any: ``segments``
            on the grid and ``labels``.
        classes (list[str], optional): Names. Defaults to None, which means
            numbers.
        title (str): Defaults to ''.

    Returns:
        np.ndarray: (H', 1200, 3) uint8 RGB.
    """
    length = feats.size(1)
    grid = FeatureGrid(sample.fps, sample.feat_stride, sample.num_frames)
    rows = {}
    if 'gt_instances' in sample:
        rows['segments'] = true_segments(sample, classes)
    norm = feats.float().norm(dim=0).numpy()
    return draw_timeline(
        rows, ((length - 1) * grid.feat_stride + grid.num_frames) / grid.fps,
        classes=classes,
        title=f'{title}: {length} features of {feats.size(0)} channels',
        curves={
            'norm of features': (grid.to_seconds(np.arange(length)), norm)
        })
