# Copyright (c) mmevad authors. All rights reserved.
"""Features of a video, with what puts them in time."""
import os.path as osp
from typing import NamedTuple, Optional

from mmevad.datasets.segment_features import FeatureFile, open_features
from mmevad.structures import FeatureGrid
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json


class FeatureSource(NamedTuple):
    """Features of one video.

    Attributes:
        name (str): Of the video.
        file (FeatureFile): Where they are.
        fps (float): Frame rate of the video.
        duration (float): Of the video, in seconds.
        feat_stride (float, optional): Frames from one feature to the next;
            None if they are spread evenly over the video.
        num_frames (float, optional): Frames that one feature sees; None if
            ``feat_stride`` is.
    """
    name: str
    file: FeatureFile
    fps: float
    duration: float
    feat_stride: Optional[float]
    num_frames: Optional[float]


def feature_file(path: str, dataset: dict) -> FeatureFile:
    """A file, or ``FILE::ENTRY`` of an HDF5 file, read as a dataset does.

    Args:
        path (str): Path.
        dataset (dict): Config of a :class:`SegmentDataset`.
    """
    path, _, entry = path.partition('::')
    return FeatureFile(path, entry, dataset.get('feat_key', 'feats'),
                       dataset.get('feat_layout', 'TC'))


def place_in_time(name: str,
                  file: FeatureFile,
                  dataset: dict,
                  fps: Optional[float] = None,
                  duration: Optional[float] = None) -> FeatureSource:
    """Find frame rate and duration of the video that features are of.

    What is not given comes from the config's dataset, or from the record
    that ``extract_clip_features.py`` writes beside the features. A duration
    that nothing says is that of the frames that the features have seen.

    Args:
        name (str): Of the video.
        file (FeatureFile): The features.
        dataset (dict): Config of a :class:`SegmentDataset`.
        fps (float, optional): Frame rate.
        duration (float, optional): Seconds.

    Raises:
        DataError: If there is no such file, the frame rate is unknown, or
            the record says that the features were made otherwise.
    """
    stride, frames = dataset.get('feat_stride'), dataset.get('num_frames')
    length = open_features(file).shape[0]
    record = _read_record(file, stride, frames)
    fps = (
        fps or dataset.get('fps') or record.get('fps')
        or dataset.get('default_fps'))
    if not fps:
        raise DataError(f'The frame rate of the video of {file} is unknown; '
                        'give fps.')
    if duration is None and record:
        duration = record['total_frames'] / record['fps']
    if duration is None:
        if stride is None:
            raise DataError(
                f'The duration of the video of {file} is unknown, and the '
                'features are spread over it; give duration in seconds.')
        grid = FeatureGrid(fps, stride, frames)
        duration = grid.to_seconds(length - 1 + grid.offset)
    return FeatureSource(name, file, fps, duration, stride, frames)


def _read_record(file: FeatureFile, stride: Optional[float],
                 frames: Optional[float]) -> dict:
    path = f'{osp.splitext(file.path)[0]}.json'
    if file.entry or not osp.isfile(path):
        return {}
    record = read_json(path)
    settings = record.get('settings')
    if not isinstance(settings, dict) or 'total_frames' not in record:
        return {}  # of something else
    check_grid(settings, stride, frames, str(file))
    return record


def check_grid(settings: dict, stride: Optional[float],
               frames: Optional[float], what: str) -> None:
    """Raise if features were made for another grid than a model's.

    Args:
        settings (dict): ``feat_stride`` and ``num_frames`` of the features.
        stride (float, optional): ``feat_stride`` of the model's data; None
            for any.
        frames (float, optional): ``num_frames`` of the model's data.
        what (str): What the settings are of, for the message.

    Raises:
        DataError: Names the setting.
    """
    for name, wanted in (('feat_stride', stride), ('num_frames', frames)):
        if wanted is not None and settings[name] != wanted:
            raise DataError(
                f'The features of {what} have {name}={settings[name]}, but '
                f'the model was trained with {name}={wanted:g}; make them '
                'anew, with the same stride, clip_len and frame_interval.')
