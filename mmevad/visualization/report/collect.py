# Copyright (c) mmevad authors. All rights reserved.
"""The videos of a report: predictions, ground truth, and a model's run."""
import os.path as osp
from typing import Any, Dict, List, Optional, Sequence

from mmengine.config import Config

from mmevad.apis.clips import keyframe_indices
from mmevad.apis.inputs import checked
from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import VideoReader, open_video
from .content import Missing, ReportVideo
from .dumps import read_dump
from .ground_truth import (GroundTruth, add_truth, is_localizer,
                           read_annotations)
from .media import find_frames_of
from .model_run import EVADRun, run_localizer
from .predictions import keep_surest, read_predictions, video_name
from .run_folder import RunFolder


class Collector:
    """Finds and joins what is known about the videos.

    Args:
        options (ReportOptions): What to show.
        run (RunFolder): Files of the run.
        config (Config, optional): Of the run.
        missing (list[Missing]): Gets an entry for each part that is not
            there.
    """

    def __init__(self, options: Any, run: RunFolder, config: Optional[Config],
                 missing: List[Missing]) -> None:
        self.options = options
        self.run = run
        self.config = config
        self.missing = missing
        self.truth = self._read_truth()
        self.found = read_predictions(
            list(options.predictions) or run.results,
            lambda path: read_dump(path, self.truth, options.score_thr))
        self.model: Optional[EVADRun] = None
        self.task = self._task()

    def _task(self) -> str:
        kinds = {video.segments is not None for video in self.found.values()}
        if len(kinds) == 2:
            raise DataError(
                f'{self.run.path} holds predictions of both tasks, boxes and '
                'segments; choose those of one with --predictions.')
        if kinds:
            return 'ActionFormer' if kinds.pop() else 'EVAD'
        if self.config is not None and 'model' in self.config:
            return str(self.config.model.get('type', ''))
        return ''

    def _read_truth(self) -> GroundTruth:
        reason = 'There is no config, which names the annotations.'
        if self.config is not None:
            try:
                return read_annotations(self.config)
            except (OSError, ValueError) as error:  # or a DataError
                reason = str(error)
        self.missing.append(
            Missing(
                'Ground truth', reason, 'Start the command where the '
                "paths of the config lead to the data, or give it with "
                '--config.'))
        return GroundTruth({}, [], {}, {})

    def videos(self) -> List[ReportVideo]:
        """Those to show, complete but for their frames."""
        videos = self._choose()
        for video in videos:
            if video.name in self.found:
                add_truth(video, self._truth_of(video.name))
            video.fps = video.fps or self.options.fps
        if self.options.checkpoint:
            if is_localizer(self.config):
                self._localize(videos)
            else:
                self._detect(videos)
        elif self.task == 'EVAD':
            self._lack('Kept tokens', 'No model was run.')
        if videos and not any(video.keyframes or video.segments
                              for video in videos):
            self._lack('Predictions', 'There are none in the folder.')
        if not videos:
            self._lack('Videos', 'There are neither predictions nor ground '
                       'truth.')
        for video in videos:
            video.segments = keep_surest(video.segments, self.options.top_k)
        return videos

    def _lack(self, part: str, reason: str) -> None:
        name = self.run.checkpoint or 'FILE'
        self.missing.append(
            Missing(part, reason, f'Run the model with --checkpoint {name}.'))

    def _truth_of(self, name: str) -> Optional[ReportVideo]:
        return self.truth.videos.get(name)

    def _choose(self) -> List[ReportVideo]:
        """Predicted videos, else annotated ones, else those given."""
        known: Dict[str, ReportVideo] = dict(self.truth.videos)
        given = {}
        if self.options.checkpoint and self.task == 'EVAD':
            names = [
                video_name(path) for path in self.options.videos
                if osp.isfile(path)
            ]
            given = {name: ReportVideo(name) for name in names}
        first = self.found or {
            name: video
            for name, video in known.items() if name in given
        } or known or given
        everything = {**given, **known, **self.found}
        names = list(self.options.only)
        unknown = [name for name in names if name not in everything]
        if unknown:
            some = ', '.join(list(everything)[:5]) or 'none'
            raise DataError(f'There is no video {unknown[0]!r}; the first of '
                            f'{len(everything)} are: {some}.')
        names = names or list(first)[:self.options.max_videos]
        return [everything[name] for name in names]

    def _localize(self, videos: Sequence[ReportVideo]) -> None:
        """Segments of videos that have none."""
        open_ones = [video for video in videos if video.segments is None]
        items = {
            video.name: self.truth.items[video.name]
            for video in open_ones
        }
        if not items:
            self.missing.append(
                Missing('A run of the checkpoint',
                        'All videos have predictions in files already.',
                        'Use a folder without such files.'))
            return
        found = run_localizer(self.config, self.options.checkpoint,
                              self.options.device, items,
                              self.options.score_thr, self.options.top_k)
        for video in open_ones:
            video.segments = found[video.name]

    def _detect(self, videos: Sequence[ReportVideo]) -> None:
        """Persons, where there are none, and tokens of all keyframes."""
        self.model = EVADRun(self.config, self.options.checkpoint,
                             self.options.device, self.options.score_thr)
        for video in videos:
            path = find_frames_of(video.name, video.paths, self.options.videos)
            if path is None:
                continue  # the lack of its frames is reported with them
            frames = checked(open_video(path, video.fps, forward=True))
            video.fps = float(frames.fps)
            video.duration = len(frames) / video.fps
            if video.keyframes is None:
                video.keyframes = self.model.predict(
                    frames, self._frames(video, frames))
            numbers = [keyframe.frame for keyframe in video.keyframes]
            if max(numbers, default=0) >= len(frames):
                raise DataError(
                    f'{video.source} has a keyframe {max(numbers)}, but '
                    f'{path} has {len(frames)} frames; name the right video '
                    'with --videos.')
            rows, video.grid = self.model.tokens(frames, numbers)
            video.keyframes = [
                keyframe._replace(tokens=tokens)
                for keyframe, tokens in zip(video.keyframes, rows)
            ]

    def _frames(self, video: ReportVideo, frames: VideoReader) -> List[int]:
        if video.true_keyframes:
            numbers = [keyframe.frame for keyframe in video.true_keyframes]
            return [x for x in numbers if x < len(frames)]
        return keyframe_indices(self.options.every, frames.fps, len(frames))

    def classes(self, videos: Sequence[ReportVideo]) -> List[str]:
        """Names in the order of the labels, then what else occurs."""
        names = list(self.truth.classes)
        names += self.model.classes if self.model else []
        for video in videos:
            names += [
                row.label for rows in (video.true_segments, video.segments)
                for row in rows or ()
            ]
            names += [
                name for rows in (video.true_keyframes, video.keyframes)
                for row in rows or () for person in row.people
                for name, _ in person.actions
            ]
        return list(dict.fromkeys(names))
