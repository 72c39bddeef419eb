# Copyright (c) mmevad authors. All rights reserved.
"""What pipelines get: clips of videos with made-up boxes, feature files."""
import copy
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS
from mmengine.config import Config

from mmevad.datasets.segment_features import FeatureFile

VIDEOS = ('.avi', '.mkv', '.mov', '.mp4', '.webm')
IMAGES = ('.jpg', '.jpeg', '.png')
CLIPS = 64  # different ones
ACTORS, SEGMENTS = 2, 15
FEATURES, LENGTH = 8, 3000  # files that are made up, rows of each

Item = Callable[[], Dict]


def clip_items(cfg: Config,
               folder: Optional[str]) -> Tuple[List[Item], List[dict]]:
    """Clips of a folder of videos or frames, and the pipeline for them.

    Args:
        cfg (Config): Of EVAD; its training pipeline counts, but for how
            frames are found.
        folder (str, optional): Videos, or a folder of frames for each.

    Returns:
        tuple: Functions that return new results of a data set, and configs
        of transforms.

    Raises:
        SystemExit: If there is neither.
    """
    folder = Path(folder or 'data/synth_actors/videos')
    files = sorted(
        x for x in folder.rglob('*') if x.suffix.lower() in VIDEOS + IMAGES)
    videos = [x for x in files if x.suffix.lower() in VIDEOS]
    frames = sorted({x.parent for x in files} - {x.parent for x in videos})
    if not videos and not frames:
        raise SystemExit(f'{folder} has neither videos ({", ".join(VIDEOS)}) '
                         'nor folders of frames; name one with --data, or '
                         'draw data/synth_actors first.')
    pipeline = copy.deepcopy(cfg.train_dataloader.dataset.pipeline)
    sampler = next(x for x in pipeline if 'Sample' in x.type)
    sampler = dict(
        type='SampleFrames',
        clip_len=sampler.clip_len,
        frame_interval=sampler.frame_interval,
        num_clips=1)
    rest = [x for x in pipeline if 'Sample' not in x.type]
    if videos:
        rest = [x for x in rest if x.type != 'RawFrameDecode']
        reader = _reader(videos)
        # it has to be there before frames are chosen
        pipeline = [
            dict(type=f'{reader}Init'), sampler,
            dict(type=f'{reader}Decode'), *rest
        ]
    else:
        pipeline = [sampler, *rest]
    num_classes = cfg.model.context_decoder.num_classes
    rng = np.random.default_rng(0)
    items = []
    for i in range(CLIPS):
        begin = rng.uniform(0, 0.5, (ACTORS, 2))
        labels = rng.random((ACTORS, num_classes + 1)) < 0.1
        fields = dict(
            gt_bboxes=np.hstack((begin, begin + rng.uniform(0.2, 0.5))),
            gt_labels=labels.astype(np.float32),
            modality='RGB',
            start_index=0)
        if videos:
            fields['filename'] = str(videos[i % len(videos)])
        else:
            fields.update(_frames(frames[i % len(frames)]))
        items.append(_copies(fields))
    return items, [Config(x) for x in pipeline]


def _reader(videos: List[Path]) -> str:
    """The first that can read all videos."""
    for reader in ('Decord', 'OpenCV'):
        init = TRANSFORMS.build(dict(type=f'{reader}Init'))
        try:
            for video in videos:
                init(dict(filename=str(video)))
        except Exception as error:  # of many kinds
            print(f'{reader} is not used: {error}')
            continue
        return reader
    raise SystemExit('Neither decord nor OpenCV finds its way in all of these '
                     'videos; name a folder with their frames instead.')


def _frames(folder: Path) -> Dict:
    """A folder of numbered frames."""
    names = sorted(x.name for x in folder.iterdir()
                   if x.suffix.lower() in IMAGES)
    first = Path(names[0])
    stem = first.stem.rstrip('0123456789')
    digits = first.stem[len(stem):]
    return dict(
        frame_dir=str(folder),
        total_frames=len(names),
        start_index=int(digits),
        filename_tmpl=f'{stem}{{:0{len(digits)}}}{first.suffix}')


def feature_items(cfg: Config, folder: Optional[str],
                  scratch: str) -> List[Item]:
    """Feature files of a folder, or made-up ones.

    Args:
        cfg (Config): Of ActionFormer.
        folder (str, optional): Its .npy files are taken.
        scratch (str): Folder for made-up ones.

    Returns:
        list: Functions that return new results of a data set.

    Raises:
        SystemExit: If the folder has no such files.
    """
    dataset, head = cfg.train_dataloader.dataset, cfg.model.head
    stride, frames = dataset.feat_stride or 4, dataset.num_frames or 4
    rng = np.random.default_rng(0)
    if folder is None:
        files = _write_features(scratch, cfg.model.neck.in_channels, rng)
    else:
        files = sorted(Path(folder).glob('*.npy'))
    if not files:
        raise SystemExit(f'{folder} has no .npy files; name a folder with '
                         '--data, or leave it out.')
    items = []
    for path in files:
        seconds = len(np.load(path, mmap_mode='r')) * stride / 30
        begin = rng.uniform(0, 0.9 * seconds, SEGMENTS)
        segments = np.stack((begin, begin + rng.uniform(1, 10, SEGMENTS)), 1)
        items.append(
            _copies(
                dict(
                    video_name=path.stem,
                    duration=seconds,
                    fps=30.,
                    feat_stride=stride,
                    num_frames=frames,
                    feat_files=[FeatureFile(str(path))],
                    feat_dims=None,
                    segments=segments.astype(np.float32),
                    labels=rng.integers(0, head.num_classes, SEGMENTS))))
    return items


def _write_features(folder: str, channels: Union[int, List[int]],
                    rng: np.random.Generator) -> List[Path]:
    files = []
    for i in range(FEATURES):
        files.append(Path(folder) / f'{i}.npy')
        shape = (LENGTH, int(np.sum(channels)))
        np.save(files[-1], rng.standard_normal(shape, dtype=np.float32))
    return files


def _copies(fields: Dict) -> Item:
    return lambda: copy.deepcopy(fields)
