# Copyright (c) mmevad authors. All rights reserved.
"""The AVA dataset of mmaction2, which checks its files when it is loaded."""

import os.path as osp
from collections import defaultdict
from typing import Callable, List, Optional, Set, Union

from mmaction.datasets import AVADataset
from mmaction.registry import DATASETS
from mmengine.fileio import exists
from mmengine.logging import MMLogger

from mmevad.utils.errors import DataError, raise_data_errors
from .ava_checks import (check_rows, find_frames, keyframe_number,
                         read_annotation_lines, read_excluded, read_label_ids)
from .ava_proposals import read_proposals
from .base_options import check_base_options, check_indices, check_prefix
from .seeded_items import SeededItems


@DATASETS.register_module()
class CheckedAVADataset(SeededItems, AVADataset):
    """AVADataset with checked annotations and clips that fit their video.

    All arguments and all items are those of mmaction2's ``AVADataset``.
    When the data is loaded

    - the annotation, label and exclude file are read strictly;
    - with ``use_frames=True``, the frame folders of all videos are listed;
      the frame in the middle of each clip must exist, and ``shot_info`` of
      an item becomes the range of frames found, so that a clip near the
      start or the end of a video repeats the first or last frame, where
      ``AVADataset`` assumes ``timestamp_end - timestamp_start`` seconds for
      every video and reads files that do not exist;
    - with ``use_frames=False``, the video files must exist (the number of
      their frames is found when they are decoded).

    For annotations that count frames, whose timestamp is the number in the
    frame's file name, use ``fps=1, timestamp_start=0, start_index=0``.

    Args:
        ann_file (str): Path to the annotation file.
        pipeline (List[Union[dict, Callable]]): Data transforms.
        exclude_file (str, optional): Path to the excluded timestamps.
            Defaults to None.
        label_file (str, optional): Path to the label map. An action id
            between two ids of the map, like the 20 classes of AVA that are
            trained but not evaluated, is logged; any other id that is not
            in the map is an error. Defaults to None.
        proposal_file (str, optional): .json or .pkl with boxes by keyframe,
            see :func:`read_proposals`; no code in it is run. Defaults to
            None.
        check_files (bool): Whether to look for frames and videos and to
            fit clips to them. Switch it off for a storage that cannot list
            or find files. Defaults to True.
        **kwargs: More arguments of ``AVADataset``.

    Raises:
        DataError: If a file is missing or wrong; one sentence per problem.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: List[Union[dict, Callable]],
                 exclude_file: Optional[str] = None,
                 label_file: Optional[str] = None,
                 *,
                 proposal_file: Optional[str] = None,
                 check_files: bool = True,
                 **kwargs) -> None:
        self.check_files = check_files
        check_prefix(kwargs.get('data_prefix', {}))
        proposals = proposal_file and read_proposals(proposal_file)
        self._excluded = read_excluded(exclude_file)
        self._map_ids = read_label_ids(label_file) if label_file else set()
        if kwargs.get('custom_classes') is not None and not label_file:
            raise DataError('custom_classes needs label_file; set it to the '
                            '.pbtxt label map.')
        super().__init__(
            ann_file,
            pipeline,
            exclude_file=exclude_file,
            label_file=label_file,
            **kwargs)
        check_base_options(self)
        # AVADataset would unpickle whatever is there
        self.proposal_file, self.proposals = proposal_file, proposals

    def load_data_list(self) -> List[dict]:
        """Load AVA annotations once every row has been checked."""
        if not self.use_frames and self.start_index != 0:
            raise DataError(f'start_index is {self.start_index}, but frames '
                            'of a video file are counted from 0; set '
                            'start_index=0 with use_frames=False.')
        if 'img' not in self.data_prefix:
            raise DataError('data_prefix has no img, the folder of the frames '
                            'or videos.')
        lines = read_annotation_lines(self.ann_file)
        raise_data_errors(
            check_rows(lines, self.ann_file, self._allowed_ids(),
                       self._excluded))
        self._log_unlisted(lines)
        data_list = super().load_data_list()
        if not data_list:
            raise DataError(f'No row of {self.ann_file} has one of the '
                            f'custom_classes {self.custom_classes[1:]}.')
        return data_list

    def filter_data(self) -> List[dict]:
        """Drop excluded keyframes, then look for the files of the rest."""
        data_list = super().filter_data()
        if not data_list:
            raise DataError(f'Every keyframe of {self.ann_file} is excluded '
                            f'by {self.exclude_file}.')
        if self.check_files and self.use_frames:
            self._fit_to_frames(data_list)
        elif self.check_files:
            files = dict.fromkeys(info['filename'] for info in data_list)
            missing = [
                name for name in files if not exists(name) or osp.isdir(name)
            ]
            raise_data_errors(
                _missing(
                    missing, len(files), 'video files', 'do not exist',
                    'correct data_prefix, or the video_id in ann_file, which '
                    'includes the ending of the file'))
        check_indices(self._indices, len(data_list))
        return data_list

    def _allowed_ids(self) -> Set[int]:
        """Action ids that a row may have."""
        if self.custom_classes is not None:
            return set(range(1, max(self._map_ids) + 1))
        allowed = set(range(1, self.num_classes))
        if not self._map_ids:
            return allowed
        if not self._map_ids <= allowed:
            raise DataError(
                f'The label file {self.label_file} has the ids '
                f'{min(self._map_ids)} to {max(self._map_ids)}, which '
                f'num_classes={self.num_classes} does not hold; ids start '
                f'at 1 and num_classes is the largest id + 1.')
        return {i for i in allowed if i <= max(self._map_ids)}

    def _log_unlisted(self, lines: List[str]) -> None:
        """Name the classes that train but that no evaluation lists."""
        if not self._map_ids or self.custom_classes is not None:
            return
        used = {int(line.split(',')[6]) for line in lines}
        unlisted = sorted(used - self._map_ids)
        if unlisted:
            MMLogger.get_current_instance().warning(
                f'{self.ann_file} has {len(unlisted)} action ids that '
                f'{self.label_file} does not list, such as {unlisted[0]}; '
                'they are trained, but evaluation passes over them.')

    def _fit_to_frames(self, data_list: List[dict]) -> None:
        """Check the middle frames and set ``shot_info`` in place.

        ``shot_info`` (first, last + 1) is relative to ``start_index``, as
        ``SampleAVAFrames`` clips before it adds ``start_index``.
        """
        items = defaultdict(list)
        for info in data_list:
            items[info['frame_dir']].append(info)
        absent, unnamed, keyframes = [], [], []
        for folder, infos in items.items():
            frames = find_frames(folder, self.filename_tmpl)
            if not frames:
                (unnamed if exists(folder) else absent).append(folder)
                continue
            shot = (min(frames) - self.start_index,
                    max(frames) + 1 - self.start_index)
            for info in infos:
                number = self._keyframe(info)
                if number not in frames:
                    keyframes.append(
                        f'frame {number} of {folder} for timestamp '
                        f'{info["timestamp"]}')
                info['shot_info'] = shot
        raise_data_errors(
            _missing(absent, len(items), 'frame folders', 'do not exist',
                     'extract the frames or correct data_prefix') +
            _missing(unnamed, len(items), 'frame folders',
                     f'hold no file named like {self.filename_tmpl!r}',
                     'correct filename_tmpl') + _missing(
                         keyframes, len(data_list), 'annotated frames',
                         'do not exist', 'extract all frames, or correct fps, '
                         'timestamp_start and start_index'))
        first = data_list[0]
        if self._FPS == 1 and self._keyframe(first) != first['timestamp']:
            MMLogger.get_current_instance().warning(
                f'fps=1 counts timestamps in frames, but timestamp '
                f'{first["timestamp"]} reads frame {self._keyframe(first)}; '
                'with timestamp_start=0 and start_index=0 they are equal.')

    def _keyframe(self, info: dict) -> int:
        return keyframe_number(info['timestamp'], self._FPS,
                               self.timestamp_start, self.start_index)


def _missing(names: List[str], total: int, what: str, problem: str,
             remedy: str) -> List[str]:
    """No sentence for no names, else one with the first three."""
    if not names:
        return []
    return [
        f'{len(names)} of {total} {what} {problem}, for example '
        f'{", ".join(names[:3])}; {remedy}.'
    ]
