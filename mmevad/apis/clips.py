# Copyright (c) mmevad authors. All rights reserved.
"""Clips of a video: which frames, read once, through the test pipeline."""
import math
from typing import (Any, Dict, Iterator, List, NamedTuple, Optional, Sequence,
                    Tuple, Union)

import numpy as np
from mmaction.registry import TRANSFORMS

from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import VideoReader
from .model_loading import build_part

# what reads a video in a config; frames are given in memory here
DECODERS = ('RawFrameDecode', 'DecordInit', 'DecordDecode', 'OpenCVInit',
            'OpenCVDecode', 'PyAVInit', 'PyAVDecode', 'PIMSInit', 'PIMSDecode',
            'ImageDecode')
SAMPLERS = ('SampleFrames', 'SampleAVAFrames', 'UniformSample',
            'UntrimmedSampleFrames', 'DenseSampleFrames')


class ClipShape(NamedTuple):
    """Frames of a clip.

    Attributes:
        clip_len (int): Their number.
        frame_interval (int): From one to the next, in frames of the video.
    """
    clip_len: int
    frame_interval: int

    @property
    def num_frames(self) -> int:
        """Frames of the video that a clip stands for.

        The middle of an even number of frames is then the one with index
        ``clip_len // 2``, which is EVAD's keyframe.
        """
        return self.clip_len * self.frame_interval


def split_pipeline(
        steps: Sequence[dict],
        samplers: Sequence[str] = SAMPLERS) -> Tuple[dict, List[dict]]:
    """Part what chooses and reads frames from what changes them.

    Args:
        steps (list[dict]): A test pipeline.
        samplers (list[str]): Steps that may choose frames.

    Returns:
        tuple: The step that chooses frames, and those that change them.

    Raises:
        DataError: If the pipeline does not choose frames exactly once.
    """
    found = [step for step in steps if step['type'] in samplers]
    if len(found) != 1:
        raise DataError('The test pipeline of the config needs one '
                        f'{" or ".join(samplers)}, but consists of '
                        f'{[step["type"] for step in steps]}.')
    return found[0], [
        step for step in steps
        if step['type'] not in DECODERS and step not in found
    ]


def find_clip_shape(sampler: dict,
                    clip_len: Optional[int] = None,
                    frame_interval: Optional[int] = None) -> ClipShape:
    """Frames of a clip: as given, else as the test pipeline has them.

    Args:
        sampler (dict): The step that chooses frames.
        clip_len (int, optional): Instead of the step's.
        frame_interval (int, optional): Instead of the step's.

    Raises:
        DataError: If neither says.
    """
    kind, own_len = sampler['type'], sampler.get('clip_len')
    own_interval = sampler.get('frame_interval',
                               2 if kind == 'SampleAVAFrames' else 1)
    if own_len == 1 and sampler.get('num_clips', 1) > 1:
        own_len = own_interval = None  # frames all over the video
    if kind == 'UniformSample' or sampler.get('target_fps'):
        own_interval = None
    shape = ClipShape(clip_len or own_len, frame_interval or own_interval)
    for name, value in shape._asdict().items():
        if value is None:
            raise DataError(
                f'{name} must be given, since {kind} in the test pipeline '
                f'adapts it to the video: {dict(sampler)}.')
    return shape


def build_transforms(steps: Sequence[dict]) -> List:
    """Build the steps of a pipeline.

    Raises:
        DataError: If one is unknown or does not take its arguments.
    """
    return [build_part(TRANSFORMS, step, 'transform') for step in steps]


def pack_clip(images: Sequence[np.ndarray], indices: Sequence[int],
              frame_interval: int, transforms: Sequence, **extra: Any) -> Dict:
    """Frames in memory -> a sample as the config's dataset packs it.

    Args:
        images (list[np.ndarray]): (h, w, 3) uint8 RGB each.
        indices (list[int]): Their numbers in the video.
        frame_interval (int): Frames from one to the next.
        transforms (list): Built by :func:`build_transforms`.
        **extra: More keys for the transforms.

    Returns:
        dict: ``inputs`` and ``data_samples``.
    """
    results = dict(
        imgs=list(images),
        img_shape=images[0].shape[:2],
        original_shape=images[0].shape[:2],
        frame_inds=np.asarray(indices),
        clip_len=len(images),
        frame_interval=frame_interval,
        num_clips=1,
        modality='RGB',
        **extra)
    for transform in transforms:
        results = transform(results)
    return results


def count_clips(length: int, shape: ClipShape, stride: int) -> int:
    """Clips at a stride whose windows lie inside a video, maybe 0."""
    return max(0, (length - shape.num_frames) // stride + 1)


def sliding_clips(
        video: VideoReader, shape: ClipShape,
        stride: int) -> Iterator[Tuple[np.ndarray, List[np.ndarray]]]:
    """All clips of a video, front to back; no frame is read twice.

    Clip ``g`` has the frames ``g * stride + i * frame_interval``. At most
    ``num_frames`` frames are held.

    Args:
        video (VideoReader): The video.
        shape (ClipShape): Of the clips.
        stride (int): Frames from one clip to the next.

    Yields:
        tuple: Numbers of the frames (clip_len, ), and the frames.
    """
    offsets = np.arange(shape.clip_len) * shape.frame_interval
    # all frames of all clips are multiples of it
    step = math.gcd(stride, shape.frame_interval)
    kept: Dict[int, np.ndarray] = {}
    unread = 0
    for start in range(0,
                       count_clips(len(video), shape, stride) * stride,
                       stride):
        indices = start + offsets
        new = range(max(start, unread), int(indices[-1]) + 1, step)
        kept = {i: image for i, image in kept.items() if i >= start}
        kept.update(zip(new, video.read(new)))
        unread = int(indices[-1]) + step
        yield indices, [kept[i] for i in indices]


def keyframe_indices(every: Union[int, str], fps: float,
                     length: int) -> List[int]:
    """Frames to look at, from the first one on.

    Args:
        every (int or str): Frames from one to the next, or seconds as in
            '0.5s', rounded to frames.
        fps (float): Frame rate.
        length (int): Frames of the video.

    Raises:
        ValueError: If it is less than a frame, or of another form.
    """
    step = every
    if isinstance(every, str):
        try:
            step = float(every[:-1]) * fps if every.endswith('s') else (
                int(every))
        except ValueError:
            step = 0
    elif not isinstance(every, (int, np.integer)):
        step = 0  # 1.0 might mean either
    if not 1 <= step < float('inf'):
        raise ValueError(
            "every must be a number of frames, at least 1, or seconds as in "
            f"'0.5s', at least a frame ({1 / fps:.3g} s); got {every!r}")
    return [
        round(i * step) for i in range(int(length / step) + 1)
        if round(i * step) < length
    ]
