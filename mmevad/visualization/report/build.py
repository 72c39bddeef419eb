# Copyright (c) mmevad authors. All rights reserved.
"""Everything there is about a run -> the page and what it lacks."""
import os.path as osp
import re
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from mmengine.config import Config

from mmevad.apis.model_zoo import find_model
from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import open_video
from mmevad.visualization.class_tables import read_run
from .collect import Collector
from .content import Missing, ReportVideo
from .media import MIB, NO_MEDIA, Media, find_frames_of, pack_media
from .page import make_page
from .payload import video_payload
from .run_folder import RunFolder, scan_run
from .scalars import collect_scalars, read_test_metrics


@dataclass
class ReportOptions:
    """What to show.

    Attributes:
        run_dir (str): Work directory, or output folder of a demo.
        config (str, optional): Instead of the one saved there.
        checkpoint (str, optional): To run the model.
        predictions (list[str]): JSON files, or pickles of a test, instead of
            the JSON files found there.
        videos (list[str]): Video files, folders of frames, or folders that
            hold such.
        only (list[str]): Names of the videos to show.
        max_videos (int): If ``only`` names none.
        max_mb (float): MiB of all frames together, before base64.
        pictures (bool): Whether to pack all videos as JPEG pictures.
        score_thr (float): Lower scores are left out when a model is run or
            a pickle is read.
        top_k (int): Segments of a video, at most.
        every (int or str): Keyframes if neither predictions nor ground
            truth say which.
        fps (float, optional): Frame rate, where the input does not say it.
        device (str, optional): For the model.
    """
    run_dir: str
    config: Optional[str] = None
    checkpoint: Optional[str] = None
    predictions: Sequence[str] = ()
    videos: Sequence[str] = ()
    only: Sequence[str] = ()
    max_videos: int = 4
    max_mb: float = 24.
    pictures: bool = False
    score_thr: float = .05
    top_k: int = 200
    every: Union[int, str] = 12
    fps: Optional[float] = None
    device: Optional[str] = None


class Report(NamedTuple):
    """The result.

    Attributes:
        page (str): HTML.
        videos (list[str]): Names of those shown.
        missing (list[Missing]): What it lacks.
    """
    page: str
    videos: List[str]
    missing: List[Missing]


def build_report(options: ReportOptions) -> Report:
    """Make the page.

    Raises:
        DataError: If something that was asked for is not there, or a file is
            broken.
        CheckpointError: If the checkpoint is not one of the model.
    """
    run = scan_run(options.run_dir)
    config = _load_config(options, run)
    missing: List[Missing] = []
    data = _numbers(run, missing)
    collector = Collector(options, run, config, missing)
    videos = collector.videos()
    limit = int(options.max_mb * MIB / max(1, len(videos)))
    media = [_pack(video, options, limit) for video in videos]
    absent = [x.name for x, y in zip(videos, media) if y is NO_MEDIA]
    if absent:
        missing.append(
            Missing('Frames of ' + ', '.join(absent),
                    'Neither a video nor a folder of frames was found.',
                    'Name it, or the folder that holds it, with --videos.'))
    classes = collector.classes(videos)
    name = osp.basename(osp.normpath(osp.abspath(run.path)))
    title = f'{name}: {collector.task}' if collector.task else name
    data.update(
        title=title,
        task=collector.task,
        run=name,
        config=None if config is None else dict(
            name=osp.basename(config.filename or ''), text=config.text),
        classes=classes,
        videos=[
            video_payload(video, x, classes)
            for video, x in zip(videos, media)
        ],
        limit=f'{options.max_mb:g} MiB of frames in all',
        missing=[x._asdict() for x in missing])
    return Report(
        make_page(data, media), [video.name for video in videos], missing)


def _load_config(options: ReportOptions, run: RunFolder) -> Optional[Config]:
    path = options.config or run.config
    if path is None:
        if options.checkpoint:
            raise DataError(f'{run.path} has no config; a model needs one: '
                            'give it with --config.')
        return None
    # the weights are not looked for
    return find_model(path, options.checkpoint or '')[0]


def _numbers(run: RunFolder, missing: List[Missing]) -> Dict[str, Any]:
    """Curves and tables."""
    scalars = collect_scalars(run.stamps)
    metrics, source = read_test_metrics(run.stamps)
    if not metrics and scalars.evaluations:
        metrics = dict(scalars.evaluations[-1])
        step = metrics.pop('step')
        source = f'validation after step {step:g}'
    for path in scalars.cut:
        missing.append(
            Missing('Training curves', f'The last line of {path} is cut off.',
                    'A training that runs, or was killed, leaves that.'))
    if not scalars.train:
        missing.append(
            Missing('Training curves', 'No training has logged here.',
                    'Give the work directory of a training.'))
    if not metrics:
        missing.append(
            Missing('Metrics', 'No test or validation has ended here.',
                    'Run mim test or tools/test.py with --work-dir.'))
    table = {}
    try:
        if run.stamps:
            table = read_run(run.path)
    except DataError:
        pass
    if not table:
        missing.append(
            Missing(
                'AP by class', 'No test has logged it here.',
                'AVAFrameMAP and TubeMAP always do; give SegmentMAP the '
                'option per_class=True.'))
    # those of the table are not repeated
    names = [
        name for name in metrics
        if not (table and re.match(r'(.*/)?AP/', name))
    ]
    return dict(
        metrics=dict(
            source=source if not osp.isfile(source) else osp.basename(source),
            values=[[name, metrics[name]] for name in names]),
        evaluations=scalars.evaluations,
        table=[[name, None if ap != ap else ap] for name, ap in table.items()],
        curves=[[name, *curve] for name, curve in scalars.train.items()],
        binned=scalars.binned)


def _pack(video: ReportVideo, options: ReportOptions, limit: int) -> Media:
    path = find_frames_of(video.name, video.paths, options.videos)
    if path is None:
        return NO_MEDIA
    if video.fps is None or video.duration is None:
        frames = open_video(path, video.fps or options.fps)
        video.fps = float(frames.fps)
        video.duration = video.duration or len(frames) / video.fps
    return pack_media(path, video.fps, limit, options.pictures)
