# Copyright (c) mmevad authors. All rights reserved.
"""Do tubes fit their frames or clips? Each check returns problems."""
import os.path as osp
from typing import Dict, List, Optional, Sequence, Set, Tuple

import cv2
import numpy as np

from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import open_video
from .ava_checks import find_frames
from .problems import Problem
from .tubes import Tubes

VIDEO_ENDINGS = ('.avi', '.mp4', '.mkv', '.webm')
ASPECT_TOLERANCE = 0.02


def outside_problems(tubes: Tubes, videos: Sequence[str]) -> List[Problem]:
    """Boxes that show nothing of their frame.

    Args:
        tubes (Tubes): Tubes that are right by themselves.
        videos (Sequence[str]): Videos to look at.

    Returns:
        List[Problem]: One for each tube with such boxes.
    """
    found = []
    for video in videos:
        height, width = tubes.resolution[video]
        for many in tubes.gttubes[video].values():
            for tube in many:
                outside = ((tube[:, 3:] <= 0) |
                           (tube[:, 1:3] >= [width, height])).any(axis=1)
                if outside.any():
                    row = tube[outside.argmax()]
                    found.append(
                        Problem(
                            video, 'box outside frame',
                            f'The box {row[1:].tolist()} of video {video!r}, '
                            f'frame {row[0]:g}, lies outside the {width} x '
                            f'{height} pixels of its resolution.'))
    return found


def find_clip(folder: str, video: str) -> Optional[str]:
    """The file of a video: <folder>/<video>.* or without its class.

    Args:
        folder (str): Folder of the clips.
        video (str): The video's name in the tube file.

    Returns:
        str or None: The first file with a known ending.
    """
    names = [
        osp.join(folder, stem + ending)
        for stem in (video, osp.basename(video)) for ending in VIDEO_ENDINGS
    ]
    return next(filter(osp.isfile, names), None)


def missing_clips(clips: Dict[str, Optional[str]],
                  folder: str) -> List[Problem]:
    """Videos without a file.

    Args:
        clips (dict): For each video its file or None.
        folder (str): Where it was looked for, for messages.
    """
    return [
        Problem(
            video, 'missing video',
            f'The video {video} is not under {folder} as <video>.avi, .mp4, '
            '.mkv or .webm; complete the folder or correct the path.')
        for video, clip in clips.items() if clip is None
    ]


def clip_problems(video: str, clip: str, tubes: Tubes) -> List[Problem]:
    """Decode a clip and compare it with the tube file.

    Args:
        video (str): Its name in the tube file.
        clip (str): Its file.
        tubes (Tubes): The tubes.
    """
    try:
        reader = open_video(clip)
    except DataError as error:
        return [Problem(video, 'unreadable video', str(error))]
    width, height = reader.size
    return _count_problems(video, clip, len(reader), tubes) + _shape_problems(
        video, clip, (height, width), tubes)


def missing_frames(video: str, folder: str, filename_tmpl: str,
                   nframes: int) -> Tuple[Set[int], List[Problem]]:
    """Frames of a video that are not there.

    Args:
        video (str): The video's name in the tube file.
        folder (str): Folder of its frames.
        filename_tmpl (str): Name of a frame, for example '{:05}.png'.
        nframes (int): Frames 1 to ``nframes`` must exist.

    Returns:
        tuple: Frames that exist, and at most one problem.
    """
    frames = find_frames(folder, filename_tmpl)
    missing = set(range(1, nframes + 1)) - frames
    if not missing:
        return frames, []
    if not osp.isdir(folder):
        text = (f'The frame folder {folder} does not exist; extract the '
                'frames or correct data_prefix.')
    elif not frames:
        text = (f'The frame folder {folder} holds no file named like '
                f'{filename_tmpl!r}; correct filename_tmpl.')
    else:
        text = (f'{folder} lacks {len(missing)} of {nframes} frames, for '
                f'example {filename_tmpl.format(min(missing))}; extract all '
                'frames, counted from 1.')
    return frames, [Problem(video, 'missing frames', text)]


def frame_problems(video: str, folder: str, filename_tmpl: str,
                   tubes: Tubes) -> List[Problem]:
    """Compare the frames of a video with the tube file.

    Args:
        video (str): Its name in the tube file.
        folder (str): Folder of its frames.
        filename_tmpl (str): Name of a frame, for example '{:05}.png'.
        tubes (Tubes): The tubes.
    """
    frames, found = missing_frames(video, folder, filename_tmpl,
                                   tubes.nframes[video])
    if found:
        return found
    path = osp.join(folder, filename_tmpl.format(1))
    image = cv2.imread(path)
    if image is None:
        return [
            Problem(
                video, 'unreadable frame', f'The image {path} cannot be '
                'read; extract the frames anew.')
        ]
    return _count_problems(video, folder, len(frames), tubes) + \
        _shape_problems(video, path, image.shape[:2], tubes)


def _count_problems(video: str, path: str, count: int,
                    tubes: Tubes) -> List[Problem]:
    nframes = tubes.nframes[video]
    if count == nframes:
        return []
    return [
        Problem(
            video, 'other number of frames', f'{path} has {count} frames, '
            f'but the tube file counts {nframes}; get the video anew, or '
            'look whether its boxes still fit.')
    ]


def _shape_problems(video: str, path: str, shape: Sequence[int],
                    tubes: Tubes) -> List[Problem]:
    """Boxes scale with the frame, but its proportions must be kept."""
    height, width = tubes.resolution[video]
    ratio = shape[1] * height / (shape[0] * width)
    if np.isclose(ratio, 1, rtol=0, atol=ASPECT_TOLERANCE):
        return []
    return [
        Problem(
            video, 'other proportions', f'{path} has {shape[1]} x {shape[0]} '
            f'pixels, but the tube file says {width} x {height}; a frame may '
            'be larger or smaller but must show the same.')
    ]
