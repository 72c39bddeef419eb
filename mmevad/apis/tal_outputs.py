# Copyright (c) mmevad authors. All rights reserved.
"""Segments of a video -> JSON, text and picture."""
from typing import Dict, List, Sequence

import numpy as np
from mmengine.structures import InstanceData

from mmevad.visualization import draw_timeline
from .feature_sources import FeatureSource

# more do not fit on a picture
_DRAWN = 100


def to_segments(found: InstanceData, classes: Sequence[str],
                chosen: Sequence[int], score_thr: float,
                top_k: int) -> List[dict]:
    """Plain lists and numbers, for JSON.

    Args:
        found (InstanceData): ``segments`` (M, 2) in seconds, ``scores`` and
            ``labels`` (M, ), best first.
        classes (list[str]): Names by label.
        chosen (list[int]): Labels that are taken.
        score_thr (float): Segments with a lower score are left out.
        top_k (int): Segments at most.

    Returns:
        list[dict]: ``segment`` (start and end in seconds), ``label`` and
        ``score``, as in ActivityNet's results, best first.
    """
    found = found.cpu().numpy()
    rows = [
        dict(
            segment=[round(float(x), 3) for x in segment],
            label=classes[label],
            score=round(float(score), 4)) for segment, label, score in zip(
                found.segments, found.labels, found.scores)
        if score >= score_thr and label in chosen
    ]
    return rows[:top_k]


def to_dict(source: FeatureSource, segments: Sequence[dict]) -> Dict:
    """What is known about a video, for JSON.

    Returns:
        dict: ``video``, ``duration`` (seconds), ``fps`` and ``segments``,
        see :func:`to_segments`.
    """
    return dict(
        video=source.name,
        duration=round(float(source.duration), 3),
        fps=round(float(source.fps), 4),
        segments=list(segments))


def describe(segment: dict) -> str:
    """One line: start, end, label, score."""
    start, end = segment['segment']
    return (f'{start:9.2f} s to {end:9.2f} s  {segment["score"]:.2f}  '
            f'{segment["label"]}')


def draw(prediction: Dict, classes: Sequence[str]) -> np.ndarray:
    """Timeline of :func:`to_dict`, of the 100 surest segments.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    segments = prediction['segments']
    title = prediction['video']
    if len(segments) > _DRAWN:
        title += f' (the surest {_DRAWN} of {len(segments)} segments)'
    return draw_timeline(
        dict(prediction=segments[:_DRAWN]),
        prediction['duration'],
        classes=classes,
        title=title)
