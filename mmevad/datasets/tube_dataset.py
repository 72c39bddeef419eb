# Copyright (c) mmevad authors. All rights reserved.
"""JHMDB, UCF101-24 and MultiSports: keyframes of annotated tubes."""
import os.path as osp
from typing import Callable, Dict, List, Optional, Union

import numpy as np
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS

from mmevad.utils.errors import raise_data_errors
from .base_options import check_base_options, check_indices, check_prefix
from .problems import Problem
from .seeded_items import SeededItems
from .tube_checks import (clip_problems, find_clip, frame_problems,
                          missing_clips, missing_frames, outside_problems)
from .tube_content import SUBSETS
from .tube_keyframes import BoxTable, box_table, choose_keyframes, merge_labels
from .tubes import Tubes, load_tubes, read_unchecked_tubes, tube_problems


@DATASETS.register_module()
class TubeDataset(SeededItems, BaseActionDataset):
    """Keyframes of a tube file as items of mmaction2's ``AVADataset``.

    One item is one keyframe with everybody who is annotated on it; two
    tubes of different labels with the same box are one person. The pipeline
    gets

    - ``video_id``, as in the tube file; ``timestamp``, the keyframe's
      number, counted from 1; ``img_key``, '<video_id>,<timestamp>' with four
      digits at least;
    - ``gt_bboxes`` (n, 4) float32 xyxy in [0, 1], ``gt_labels`` (n,
      num_classes) float32, of which column k + 1 is class k of the file and
      column 0 is background, ``entity_ids`` (n,), the tube's number within
      its video;
    - ``frame_dir`` and ``filename_tmpl``, or ``filename``; ``shot_info``,
      ``fps``, ``timestamp_start`` and ``timestamp_end``, from which
      ``SampleAVAFrames`` takes a clip with the keyframe at index
      ``clip_len // 2``; it repeats the first or last frame of the video
      where it would leave it.

    Read frames with ``RawFrameDecode`` and videos with ``VideoFrameDecode``,
    which need no initialising step before ``SampleAVAFrames``.

    Args:
        ann_file (str): Tube file, see :mod:`mmevad.datasets.tubes`.
        pipeline (List[Union[dict, Callable]]): Data transforms.
        data_prefix (dict): ``img`` is the folder with
            ``<video>/<filename_tmpl>``, or ``video`` that with ``<video>.*``
            or the same without the video's class folder.
        split (int): Split, counted from 1. Defaults to 1.
        subset (str): 'train', 'test' or 'all'. Defaults to 'train'.
        keyframe_interval (int): k, to take every k-th annotated frame of a
            video. Metrics expect all, 1, in testing. Defaults to 1.
        keyframes_per_tube (int, optional): n, to take n of these, evenly
            spread, of each tube. Defaults to None, which means all.
        all_frames (bool): Whether to take every k-th frame of the whole
            video, whether or not anybody is annotated on it. Defaults to
            False.
        filename_tmpl (str): Name of a frame's file; the first is 1.
            Defaults to 'img_{:05}.jpg'.
        num_classes (int, optional): Classes and background, to be checked.
            Defaults to None, which takes it from the file.
        check_files (bool): Whether to look for all frames when the dataset
            is loaded. Videos are always looked for, as their ending is not
            known before. Defaults to True.
        test_mode (bool): As in mmaction2. Defaults to False.
        **kwargs: More arguments of ``BaseActionDataset``.

    Raises:
        DataError: If the tube file is wrong, a box lies outside its frame,
            or a video or frame does not exist.
        ValueError: If arguments contradict each other or the file.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: List[Union[dict, Callable]],
                 data_prefix: dict,
                 split: int = 1,
                 subset: str = 'train',
                 keyframe_interval: int = 1,
                 keyframes_per_tube: Optional[int] = None,
                 all_frames: bool = False,
                 filename_tmpl: str = 'img_{:05}.jpg',
                 num_classes: Optional[int] = None,
                 check_files: bool = True,
                 test_mode: bool = False,
                 **kwargs) -> None:
        check_prefix(data_prefix)
        if set(data_prefix) not in ({'img'}, {'video'}):
            raise ValueError('data_prefix must be dict(img=FOLDER) or '
                             f'dict(video=FOLDER), got {dict(data_prefix)}.')
        if subset not in SUBSETS:
            raise ValueError(f'subset must be one of {", ".join(SUBSETS)}, '
                             f'got {subset!r}.')
        if all_frames and keyframes_per_tube is not None:
            raise ValueError('all_frames takes frames outside tubes too; '
                             'keyframes_per_tube must be None then.')
        for name, value in dict(
                keyframe_interval=keyframe_interval,
                keyframes_per_tube=keyframes_per_tube).items():
            if value is not None and value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}.')
        self.split = split
        self.subset = subset
        self.keyframe_interval = keyframe_interval
        self.keyframes_per_tube = keyframes_per_tube
        self.all_frames = all_frames
        self.use_frames = 'img' in data_prefix
        self.filename_tmpl = filename_tmpl
        self.check_files = check_files
        self._tables: Dict[str, BoxTable] = {}
        self._nframes: Dict[str, int] = {}
        self._clips: Dict[str, Optional[str]] = {}
        super().__init__(
            ann_file,
            pipeline=pipeline,
            data_prefix=data_prefix,
            test_mode=test_mode,
            num_classes=num_classes,
            **kwargs)
        check_base_options(self)
        if self.multi_class or self.start_index:
            raise ValueError('multi_class and start_index must be left out: '
                             'labels are multi-hot, frames counted from 1')

    def load_data_list(self) -> List[dict]:
        """Read tubes, look for the files and choose keyframes.

        Items hold the name of the video and the frame; :meth:`get_data_info`
        adds the rest, so that a third of a million keyframes stays small.
        """
        tubes = load_tubes(self.ann_file)
        num_classes = len(tubes.labels) + 1
        if self.num_classes not in (None, num_classes):
            raise ValueError(
                f'num_classes is {self.num_classes}, but {self.ann_file} has '
                f'{len(tubes.labels)} classes, which with background makes '
                f'{num_classes}; correct it or leave it out.')
        self.num_classes = num_classes
        self._metainfo['classes'] = tuple(tubes.labels)
        videos = tubes.subset(self.subset, self.split)
        raise_data_errors([
            f'{self.ann_file}: {x.message}'
            for x in outside_problems(tubes, videos)
        ])
        self._find_files(tubes, videos)
        data_list = []
        for video in videos:
            self._nframes[video] = tubes.nframes[video]
            table = box_table(tubes.gttubes[video], tubes.resolution[video])
            self._tables[video] = table
            if self.all_frames:
                frames = np.arange(1, tubes.nframes[video] + 1,
                                   self.keyframe_interval)
            else:
                frames = choose_keyframes(table, self.keyframe_interval,
                                          self.keyframes_per_tube)
            data_list += [
                dict(video_id=video, timestamp=frame)
                for frame in frames.tolist()
            ]
        check_indices(self._indices, len(data_list))
        return data_list

    def get_data_info(self, idx: int) -> dict:
        """The item that the pipeline gets."""
        info = super().get_data_info(idx)
        video, frame = info['video_id'], info['timestamp']
        nframes = self._nframes[video]
        info.update(
            img_key=f'{video},{frame:04d}',
            fps=1,
            filename_tmpl=self.filename_tmpl)
        if self.use_frames:
            # frame k has the number k, in shot_info and in its file's name
            info.update(
                frame_dir=self._frame_dir(video),
                timestamp_start=0,
                timestamp_end=nframes,
                shot_info=(1, nframes + 1))
        else:
            # frame k of the tube file is frame k - 1 of the video
            info.update(
                filename=self._clips[video],
                timestamp_start=1,
                timestamp_end=nframes + 1,
                shot_info=(0, nframes))
        table = self._tables[video]
        rows = table.rows(frame)
        boxes = table.boxes[rows]
        persons, labels = merge_labels(boxes, table.labels[rows],
                                       self.num_classes - 1)
        info.update(
            gt_bboxes=boxes[persons].astype(np.float32),
            gt_labels=labels,
            entity_ids=table.entities[rows][persons])
        return info

    def check(self, annotations_only: bool = False) -> List[Problem]:
        """Look at every video and report what is wrong; changes nothing.

        Videos are decoded to count their frames. With ``lazy_init=True`` a
        dataset can be checked that cannot be loaded.

        Args:
            annotations_only (bool): Whether to leave out frames and videos.
                Defaults to False.

        Returns:
            List[Problem]: Each problem once.

        Raises:
            DataError: If the tube file cannot be read or lacks the split.
        """
        tubes = read_unchecked_tubes(self.ann_file)
        videos = tubes.subset(self.subset, self.split)
        wanted = set(videos)
        problems = [
            x for x in tube_problems(tubes, self.ann_file) if x.video in wanted
        ]
        broken = {x.video for x in problems}
        videos = [video for video in videos if video not in broken]
        problems += outside_problems(tubes, videos)
        if annotations_only:
            return problems
        if self.use_frames:
            for video in videos:
                problems += frame_problems(video, self._frame_dir(video),
                                           self.filename_tmpl, tubes)
            return problems
        clips = self._find_clips(videos)
        problems += missing_clips(clips, self.data_prefix['video'])
        for video, clip in clips.items():
            if clip is not None:
                problems += clip_problems(video, clip, tubes)
        return problems

    def _frame_dir(self, video: str) -> str:
        return osp.join(self.data_prefix['img'], video)

    def _find_clips(self, videos: List[str]) -> Dict[str, Optional[str]]:
        folder = self.data_prefix['video']
        return {video: find_clip(folder, video) for video in videos}

    def _find_files(self, tubes: Tubes, videos: List[str]) -> None:
        """Look for the frames or clips of all videos."""
        found: List[Problem] = []
        if not self.use_frames:
            self._clips = self._find_clips(videos)
            found = missing_clips(self._clips, self.data_prefix['video'])
        elif self.check_files:
            for video in videos:
                found += missing_frames(video, self._frame_dir(video),
                                        self.filename_tmpl,
                                        tubes.nframes[video])[1]
        raise_data_errors([x.message for x in found])
