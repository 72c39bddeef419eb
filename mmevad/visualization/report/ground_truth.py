# Copyright (c) mmevad authors. All rights reserved.
"""Annotations of the dataset that a config tests on -> videos."""
import inspect
import os.path as osp
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config

from mmevad.apis.model_loading import find_test_dataset
from mmevad.datasets.ava_checks import find_frames, keyframe_number
from mmevad.visualization.naming import class_names
from .content import Person, ReportKeyframe, ReportSegment, ReportVideo
from .predictions import video_name


class GroundTruth(NamedTuple):
    """What is annotated.

    Attributes:
        videos (dict[str, ReportVideo]): By name, without predictions.
        classes (list[str]): Names by label.
        items (dict[str, int]): Number of each video in the dataset of a
            localizer.
        frames (dict[tuple, int]): Frame, from 0, of each keyframe of a
            detector's dataset, by ``video_id`` and ``timestamp``.
    """
    videos: Dict[str, ReportVideo]
    classes: List[str]
    items: Dict[str, int]
    frames: Dict[Tuple[str, int], int]


def is_localizer(config: Config) -> bool:
    """Whether its data are features with segments."""
    return config.get('model', {}).get('type') == 'ActionFormer'


def build_annotations(config: Config) -> Any:
    """The test dataset without its pipeline; files need not be there."""
    settings = dict(find_test_dataset(config), pipeline=[])
    kind = settings['type']
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    if kind and 'check_files' in inspect.signature(kind.__init__).parameters:
        settings['check_files'] = False
    return DATASETS.build(settings)


def read_annotations(config: Config) -> GroundTruth:
    """All annotated videos of the test dataset.

    Raises:
        DataError: If a file is missing or wrong.
    """
    dataset = build_annotations(config)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    if is_localizer(config):
        return _of_segments(dataset, infos)
    return _of_keyframes(dataset, infos)


def _of_segments(dataset: Any, infos: List[dict]) -> GroundTruth:
    classes = list(dataset.metainfo.get('classes') or ())
    videos = {}
    for info in infos:
        rows = [
            ReportSegment(
                float(start), float(end),
                classes[label] if label < len(classes) else f'class {label}')
            for (start, end), label in zip(info['segments'], info['labels'])
        ]
        name = info['video_name']
        videos[name] = ReportVideo(
            name,
            dataset.ann_file,
            float(info['duration']),
            float(info['fps']),
            true_segments=rows)
    return GroundTruth(videos, classes, {
        name: i
        for i, name in enumerate(videos)
    }, {})


def _of_keyframes(dataset: Any, infos: List[dict]) -> GroundTruth:
    num_classes = max(
        (info['gt_labels'].shape[1] for info in infos), default=1) - 1
    classes = class_names(dataset, num_classes)
    videos: Dict[str, ReportVideo] = {}
    first: Dict[str, int] = {}
    frames: Dict[Tuple[str, int], int] = {}
    for info in infos:
        name = video_name(info['video_id'])
        if name not in videos:
            path = info.get('frame_dir') or info.get('filename')
            videos[name] = ReportVideo(
                name, dataset.ann_file, true_keyframes=[], paths=[path])
            first[name] = _first_number(info)
        number = keyframe_number(info['timestamp'], info['fps'],
                                 info['timestamp_start'],
                                 info.get('start_index', 0)) - first[name]
        frames[info['video_id'], int(info['timestamp'])] = number
        people = [
            Person(
                tuple(map(float, box)), None,
                [(classes[k], None) for k in np.flatnonzero(row[1:])])
            for box, row in zip(info['gt_bboxes'], info['gt_labels'])
        ]
        videos[name].true_keyframes.append(ReportKeyframe(number, people))
    for video in videos.values():
        video.true_keyframes.sort(key=lambda keyframe: keyframe.frame)
    return GroundTruth(videos, classes, {}, frames)


def _first_number(info: dict) -> int:
    """Number of a video's first frame, as its file is called."""
    folder = info.get('frame_dir')
    if folder is None:
        return 0  # frames of video files are counted from 0
    if osp.isdir(folder):
        return min(find_frames(folder, info['filename_tmpl']), default=1)
    return 1


def add_truth(video: ReportVideo, truth: Optional[ReportVideo]) -> None:
    """Give a predicted video what is annotated and known about it."""
    if truth is None:
        return
    video.true_keyframes = truth.true_keyframes
    video.true_segments = truth.true_segments
    video.duration = video.duration or truth.duration
    video.fps = video.fps or truth.fps
    video.paths = video.paths + truth.paths
