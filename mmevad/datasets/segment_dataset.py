# Copyright (c) mmevad authors. All rights reserved.
"""Untrimmed videos as clip features, with annotated segments."""
import math
import os.path as osp
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger

from mmevad.evaluation.segment_map import Segments, clean_ground_truth
from mmevad.utils.annotations import fits
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.segment_database import read_database, select_subset
from .base_options import check_base_options, check_indices
from .problems import Problem
from .seeded_items import SeededItems
from .segment_annotations import SegmentVideo, parse_video
from .segment_checks import (check_features, check_missing, check_segments,
                             expected_rows)
from .segment_classes import find_classes, with_names
from .segment_features import HDF5_ENDINGS, LAYOUTS, FeatureFile


@DATASETS.register_module()
class SegmentDataset(SeededItems, BaseDataset):
    """Clip features and segments in ActivityNet's JSON.

    One item is one video; one without annotations is all background. The
    pipeline gets ``video_name``, ``duration`` (seconds), ``fps``,
    ``feat_stride`` and ``num_frames`` (frames, or None), ``feat_files``
    (a FeatureFile per stream), ``feat_dims``, ``segments`` (N, 2) float32 in
    seconds and ``labels`` (N,) int64.

    Classes come from ``metainfo``, else from ``classes`` in the annotation
    file, else from ``label`` and ``label_id`` of all its annotations.

    Args:
        ann_file (str): JSON in ActivityNet's form, may end in '.gz'.
        feat_stride (float, optional): Frames from one feature to the next;
            None if every video has the same number of features, whatever
            its duration. Then the stride follows from the duration.
        num_frames (float, optional): Frames that one feature sees; None if
            ``feat_stride`` is.
        subset (str or Sequence[str], optional): Subsets to take, in any
            case. Defaults to None, which means all videos.
        metainfo (dict, optional): ``classes`` may be names or a file with
            one name per line. Defaults to None.
        data_root (str): Put before relative paths. Defaults to ''.
        data_prefix (dict): ``feat`` is the folder of the features, an HDF5
            file (.h5, .hdf5), or a list of such, one for each stream; the
            channels of streams are joined. Defaults to dict(feat='').
        feat_prefix (str): Before the video's name in names of files or
            entries. Defaults to ''.
        feat_ext (str, optional): After it. Defaults to None, which means
            '.npy' in a folder and nothing in an HDF5 file.
        feat_key (str): Name of the array where there are several, in .npz
            and .pt files or groups of HDF5. Defaults to 'feats'.
        feat_layout (str): 'TC' if rows are time, 'CT' if columns are.
            Defaults to 'TC'.
        feat_dims (int or Sequence[int], optional): Channels of each stream,
            to be checked. Defaults to None.
        fps (float, optional): Instead of the file's. Defaults to None.
        default_fps (float, optional): For videos without. Defaults to None.
        class_agnostic (bool): Whether all labels become 0. Defaults to
            False.
        remove_duplicates (bool): Whether to drop segments shorter than 1e-3
            s, and those of the same label whose ends are both within 1e-3 s
            of an earlier one. Defaults to False.
        check_files (bool): Whether to look for the features of all videos.
            Defaults to True.
        skip_missing (bool): Whether to leave out, with a warning, videos
            whose features do not exist. Defaults to False.
        **kwargs: More arguments of mmengine's ``BaseDataset``.

    Raises:
        DataError: If annotations are malformed, features are missing, or
            nothing in a training set has a length. Segments that leave
            their video are kept; :meth:`check` reports them.
    """

    def __init__(self,
                 ann_file: str,
                 feat_stride: Optional[float],
                 num_frames: Optional[float],
                 subset: Union[str, Sequence[str], None] = None,
                 metainfo: Optional[dict] = None,
                 data_root: str = '',
                 data_prefix: dict = dict(feat=''),
                 feat_prefix: str = '',
                 feat_ext: Optional[str] = None,
                 feat_key: str = 'feats',
                 feat_layout: str = 'TC',
                 feat_dims: Union[int, Sequence[int], None] = None,
                 fps: Optional[float] = None,
                 default_fps: Optional[float] = None,
                 class_agnostic: bool = False,
                 remove_duplicates: bool = False,
                 check_files: bool = True,
                 skip_missing: bool = False,
                 **kwargs) -> None:
        if (feat_stride is None) != (num_frames is None):
            raise ValueError('feat_stride and num_frames must both be given '
                             f'or both be None, got {feat_stride} and '
                             f'{num_frames}.')
        for name, value in dict(
                feat_stride=feat_stride,
                num_frames=num_frames,
                fps=fps,
                default_fps=default_fps).items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f'{name} must be positive, got {value}.')
        if feat_layout not in LAYOUTS:
            raise ValueError(f'feat_layout must be one of {LAYOUTS}, got '
                             f'{feat_layout!r}.')
        feats = data_prefix.get('feat', '')
        if not feats and feats != '' or not fits(feats, Union[str,
                                                              Sequence[str]]):
            raise ValueError(f'data_prefix has feat={feats!r}, which is '
                             'neither the name of a folder nor a list of them')
        num_streams = 1 if isinstance(feats, str) else len(feats)
        if isinstance(feat_dims, int):
            feat_dims = [feat_dims]
        if feat_dims is not None and len(feat_dims) != num_streams:
            raise ValueError(f'feat_dims has {len(feat_dims)} numbers for '
                             f'{num_streams} streams in data_prefix.')
        self.feat_stride = feat_stride
        self.num_frames = num_frames
        self.subsets = [subset] if isinstance(subset, str) else subset
        self.feat_prefix = feat_prefix
        self.feat_ext = feat_ext
        self.feat_key = feat_key
        self.feat_layout = feat_layout
        self.feat_dims = feat_dims
        self.fps = fps
        self.default_fps = default_fps
        self.class_agnostic = class_agnostic
        self.remove_duplicates = remove_duplicates
        self.check_files = check_files
        self.skip_missing = skip_missing
        super().__init__(
            ann_file,
            metainfo=with_names(metainfo),
            data_root=data_root,
            data_prefix=data_prefix,
            **kwargs)
        check_base_options(self)

    def load_data_list(self) -> List[dict]:
        """Read the annotation file and look for the features."""
        videos, problems = self._read_videos()
        problems += [
            Problem(
                video.name, 'malformed annotation',
                f'{self.ann_file}, video {video.name}, annotations[{row}]: '
                f'the segment {segment.tolist()} ends before it starts; '
                'correct it.') for video in videos
            for row, segment in zip(video.rows, video.segments)
            if segment[1] < segment[0]
        ]
        raise_data_errors([problem.message for problem in problems])
        files = {video.name: self._files(video.name) for video in videos}
        videos = self._with_features(videos, files)
        if self.remove_duplicates:
            videos = [_clean(video) for video in videos]
        lengths = [np.diff(video.segments).max(initial=0) for video in videos]
        if not self.test_mode and not max(lengths, default=0) > 0:
            raise DataError(
                f'{self.ann_file}: none of the {len(videos)} videos of '
                f'subset {self.subsets} has a segment that ends after its '
                'start; training needs one.')
        check_indices(self._indices, len(videos))
        return [
            dict(
                video_name=video.name,
                duration=video.duration,
                fps=video.fps,
                feat_stride=self.feat_stride,
                num_frames=self.num_frames,
                feat_files=files[video.name],
                feat_dims=self.feat_dims,
                segments=video.segments.astype(np.float32),
                labels=video.labels * (not self.class_agnostic))
            for video in videos
        ]

    def check(self, annotations_only: bool = False) -> List[Problem]:
        """Look at every video and report what is wrong; changes nothing.

        With ``lazy_init=True`` a dataset can be checked that cannot be
        loaded.

        Args:
            annotations_only (bool): Whether to leave out the features.
                Defaults to False.

        Returns:
            List[Problem]: Each problem once.

        Raises:
            DataError: If the annotation file or the classes are unusable as
                a whole.
        """
        videos, problems = self._read_videos()
        for video in videos:
            problems += check_segments(video, self.ann_file)
        if annotations_only:
            return problems
        files = {video.name: self._files(video.name) for video in videos}
        limits = {video.name: self._expected_rows(video) for video in videos}
        return problems + check_features(files, limits, self.feat_dims)

    def _with_features(
            self, videos: List[SegmentVideo],
            files: Dict[str, List[FeatureFile]]) -> List[SegmentVideo]:
        """Videos whose features exist, as far as that is looked at."""
        if not self.check_files and not self.skip_missing:
            return videos
        missing = check_missing(files)
        names = dict.fromkeys(problem.video for problem in missing)
        if not self.skip_missing or len(names) == len(videos):
            raise_data_errors([problem.message for problem in missing])
        if names:
            MMLogger.get_current_instance().warning(
                f'{self.ann_file}: {len(names)} of {len(videos)} videos are '
                'left out because their features do not exist, for example '
                f'{", ".join(list(names)[:3])}.')
        return [video for video in videos if video.name not in names]

    def _read_videos(self) -> Tuple[List[SegmentVideo], List[Problem]]:
        database, file_classes = read_database(self.ann_file)
        videos, problems = [], []
        classes = find_classes(
            self._metainfo.get('classes', file_classes), database,
            self.ann_file, self.class_agnostic)
        if classes is not None:
            self._metainfo['classes'] = tuple(classes)
        selected = select_subset(database, self.ann_file, self.subsets)
        for name, info in selected.items():
            video, wrong = parse_video(name, info, self.ann_file, classes,
                                       self.fps, self.default_fps)
            videos.append(video)
            problems += wrong
        return videos, problems

    def _expected_rows(self,
                       video: SegmentVideo) -> Optional[Tuple[float, float]]:
        if self.feat_stride is None or math.isnan(video.duration * video.fps):
            return None
        return expected_rows(video.duration, video.fps, self.feat_stride,
                             self.num_frames)

    def _files(self, video: str) -> List[FeatureFile]:
        """Where the features of a video are, by stream."""
        prefixes = self.data_prefix['feat']
        prefixes = [prefixes] if isinstance(prefixes, str) else prefixes
        files = []
        for prefix in prefixes:
            name = self.feat_prefix + video
            if osp.splitext(prefix)[1].lower() in HDF5_ENDINGS:
                path, entry = prefix, name + (self.feat_ext or '')
            else:
                path = osp.join(prefix, name + (self.feat_ext or '.npy'))
                entry = ''
            files.append(
                FeatureFile(path, entry, self.feat_key, self.feat_layout))
        return files

    def _join_prefix(self) -> None:
        """Put ``data_root`` before the paths, also in a list of them."""
        feats = self.data_prefix.get('feat', '')
        listed = not isinstance(feats, str)
        self.data_prefix = dict(enumerate(feats if listed else [feats]))
        super()._join_prefix()
        joined = list(self.data_prefix.values())
        self.data_prefix = dict(feat=joined if listed else joined[0])


def _clean(video: SegmentVideo) -> SegmentVideo:
    """Without segments that are too short or repeated."""
    zeros = np.zeros(len(video.labels), dtype=np.int64)
    kept, _, _ = clean_ground_truth(
        Segments(zeros, video.labels, video.segments))
    return video._replace(segments=kept.segments, labels=kept.labels, rows=())
