# Copyright (c) mmevad authors. All rights reserved.
"""Transforms of the clip features of an untrimmed video."""
import torch
import torch.nn.functional as F
from mmaction.registry import TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from mmevad.utils.errors import DataError
from mmevad.utils.ranges import MAX_LENGTH, require_sizes
from ..segment_features import ClipFeatures, open_features


@TRANSFORMS.register_module()
class LoadSegmentFeatures(BaseTransform):
    """Open the features of a video; they are read by what comes after.

    A ``feat_stride`` of None is set to what spreads the features evenly over
    the video, and ``num_frames`` to the same.

    Required keys: video_name, feat_files, duration (s), fps, feat_stride,
    num_frames; optional: feat_dims (channels of each stream).
    Added key: feats (ClipFeatures). Modified keys: feat_stride, num_frames.

    Raises:
        DataError: If features are missing, damaged, of the wrong width, or
            the streams differ in length.
    """

    def transform(self, results: dict) -> dict:
        """Open."""
        video, files = results['video_name'], results['feat_files']
        try:
            streams = [open_features(file) for file in files]
        except DataError as error:
            raise DataError(f'Video {video}: {error}') from error
        self._check(video, files, streams, results.get('feat_dims'))
        results['feats'] = feats = ClipFeatures(streams)
        if results['feat_stride'] is None:
            frames = results['duration'] * results['fps']
            results['feat_stride'] = frames / feats.shape[0]
            results['num_frames'] = results['feat_stride']
        return results

    @staticmethod
    def _check(video: str, files: list, streams: list, widths: list) -> None:
        lengths = [stream.shape[0] for stream in streams]
        if len(set(lengths)) > 1:
            raise DataError(
                f'Video {video}: the streams {", ".join(map(str, files))} '
                f'have {lengths} rows; cut them to the same length.')
        for file, stream, width in zip(files, streams, widths or ()):
            if stream.shape[1] != width:
                raise DataError(
                    f'Video {video}: {file} has {stream.shape[1]} channels '
                    f'instead of {width}; extract it again or correct '
                    'feat_dims and feat_layout.')

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


@TRANSFORMS.register_module()
class DownsampleFeatures(BaseTransform):
    """Keep every k-th feature; the window of a feature stays as it is.

    Required and modified keys: feats, feat_stride.

    Args:
        rate (int): k.
    """

    def __init__(self, rate: int) -> None:
        if rate < 1:
            raise ValueError(f'rate must be at least 1, got {rate}.')
        self.rate = rate

    def transform(self, results: dict) -> dict:
        """Downsample."""
        results['feats'] = results['feats'][::self.rate]
        results['feat_stride'] *= self.rate
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(rate={self.rate})'


@TRANSFORMS.register_module()
class ResizeFeatures(BaseTransform):
    """Resize the features of a whole video to a fixed number.

    Linear with ``align_corners=False``. All frames that the features cover,
    ``(T - 1) * feat_stride + num_frames``, are shared out evenly: each new
    feature sees as many frames as there are to the next one.

    Required and modified keys: feats, feat_stride, num_frames.

    Args:
        size (int): Number of features.
    """

    def __init__(self, size: int) -> None:
        require_sizes(MAX_LENGTH, size=size)
        self.size = size

    def transform(self, results: dict) -> dict:
        """Resize."""
        feats = results['feats']
        length = feats.shape[0]
        frames = ((length - 1) * results['feat_stride'] +
                  results['num_frames'])
        results['feat_stride'] = results['num_frames'] = frames / self.size
        if length != self.size:
            resized = F.interpolate(
                feats.read()[None],
                size=self.size,
                mode='linear',
                align_corners=False)
            results['feats'] = ClipFeatures([resized[0].T.numpy()])
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(size={self.size})'


@TRANSFORMS.register_module()
class PackSegmentInputs(BaseTransform):
    """Read the features that are left and pack them with the annotation.

    Required keys: feats, video_name, duration, fps, feat_stride, num_frames,
    feat_files; optional: segments on the grid, labels.

    The result is ``dict(inputs, data_samples)``: ``inputs`` (C, T) float32
    and an ActionDataSample with the metainfo ``video_name``, ``duration``
    (s), ``fps``, ``feat_stride``, ``num_frames`` (frames), ``feat_len`` (T)
    and ``gt_instances``: ``segments`` (N, 2) float32 on the grid of T,
    ``labels`` (N,) int64.

    Raises:
        DataError: If a feature is NaN or infinite.
    """

    meta_keys = ('video_name', 'duration', 'fps', 'feat_stride', 'num_frames')

    def transform(self, results: dict) -> dict:
        """Pack."""
        feats = results['feats'].read()
        if not torch.isfinite(feats).all():
            files = ', '.join(str(file) for file in results['feat_files'])
            raise DataError(f'Video {results["video_name"]}: {files} has NaN '
                            'or Inf; extract the features again.')
        sample = ActionDataSample()
        sample.set_metainfo({key: results[key] for key in self.meta_keys})
        sample.set_metainfo(dict(feat_len=feats.shape[1]))
        if 'segments' in results:
            sample.gt_instances = InstanceData(
                segments=torch.from_numpy(results['segments']),
                labels=torch.from_numpy(results['labels']))
        return dict(inputs=feats, data_samples=sample)

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'
