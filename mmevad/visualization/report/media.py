# Copyright (c) mmevad authors. All rights reserved.
"""Frames of a video in a form that a browser shows without a server.

A file whose codec browsers play goes in as it is. Anything else, and what is
too large, becomes JPEG pictures, at the rate that fits.
"""
import base64
import os
import os.path as osp
from typing import List, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from mmevad.utils.video_reader import (VIDEO_ENDINGS, FolderReader,
                                       VideoReader, open_video)

MIB = 1 << 20
_MIMES = {'.mp4': 'video/mp4', '.m4v': 'video/mp4', '.webm': 'video/webm'}
# as OpenCV calls them
_CODECS = dict(mp4=('avc1', 'h264', 'av01'), webm=('vp80', 'vp90', 'av01'))
_WIDTH, _QUALITY = 480, 80  # of JPEG pictures
_MOST_PICTURES = 2000
_PROBES = 6


class Media(NamedTuple):
    """Frames, packed.

    Attributes:
        kind (str): 'video', 'frames', or 'none'.
        data (list[str]): base64: a video file, or JPEG pictures.
        mime (str): Of the video file.
        rate (float): Pictures per second.
        note (str): What was done, one sentence for the reader.
        size (int): Bytes, before base64.
    """
    kind: str
    data: List[str]
    mime: str
    rate: float
    note: str
    size: int


NO_MEDIA = Media('none', [], '', 0., '', 0)


def find_frames_of(name: str, hints: Sequence[str],
                   given: Sequence[str]) -> Optional[str]:
    """A video file, or a folder of frames.

    Args:
        name (str): Of the video.
        hints (list[str]): Paths to try at the end.
        given (list[str]): Video files, folders of frames, or folders that
            hold such, named like the video.
    """
    base = osp.basename(name)
    for path in given:
        stem = osp.splitext(osp.basename(osp.normpath(path)))[0]
        if stem == base:
            return path
        for inner in (name, base):
            for ending in ('', *VIDEO_ENDINGS):
                candidate = osp.join(path, inner + ending)
                if osp.isdir(path) and osp.exists(candidate):
                    return candidate
    return next((path for path in hints if path and osp.exists(path)), None)


def playable_mime(path: str) -> Optional[str]:
    """MIME type of a file that Chromium, Firefox and Safari play."""
    ending = osp.splitext(path)[1].lower()
    if ending not in _MIMES or not osp.isfile(path):
        return None
    code = int(cv2.VideoCapture(path).get(cv2.CAP_PROP_FOURCC))
    codec = code.to_bytes(4, 'little', signed=code < 0).decode('latin1')
    kind = 'webm' if ending == '.webm' else 'mp4'
    return _MIMES[ending] if codec.lower() in _CODECS[kind] else None


def _jpeg(image: np.ndarray) -> bytes:
    if image.shape[1] > _WIDTH:
        height = max(1, round(image.shape[0] * _WIDTH / image.shape[1]))
        image = cv2.resize(
            image, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                        [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def pack_pictures(video: VideoReader, limit: int, reason: str) -> Media:
    """JPEG pictures at the full rate, or the highest below ``limit`` bytes.

    Args:
        video (VideoReader): See :func:`open_video`.
        limit (int): Bytes; at least one picture is taken.
        reason (str): Why it is not the file itself, for the note.
    """
    probes = np.linspace(0, len(video) - 1, min(_PROBES, len(video)))
    # some margin, as other pictures may be larger
    mean = 1.15 * np.mean(
        [len(_jpeg(video.read([i])[0])) for i in probes.astype(int).tolist()])
    most = int(min(max(1, limit // mean), _MOST_PICTURES))
    step = max(1, -(-len(video) // most))
    pictures = [_jpeg(video.read([i])[0]) for i in range(0, len(video), step)]
    rate = video.fps / step
    size = sum(map(len, pictures))
    which = 'every frame' if step == 1 else f'one of {step} frames'
    note = (f'Shown as JPEG pictures of {which} ({rate:.3g} per second), '
            f'{size / MIB:.1f} MiB, because {reason}.')
    return Media('frames', [base64.b64encode(x).decode() for x in pictures],
                 'image/jpeg', rate, note, size)


def pack_media(path: str,
               fps: Optional[float],
               limit: int,
               pictures: bool = False) -> Media:
    """Pack a video file or a folder of frames.

    Args:
        path (str): File or folder.
        fps (float, optional): Of a folder.
        limit (int): Bytes, before base64.
        pictures (bool): Whether to make pictures in any case. Defaults to
            False.

    Raises:
        DataError: If it cannot be read.
    """
    mime = playable_mime(path)
    size = os.path.getsize(path)
    if mime and size <= limit and not pictures:
        with open(path, 'rb') as file:
            data = base64.b64encode(file.read()).decode()
        return Media('video', [data], mime, 0.,
                     f'The file itself, {size / MIB:.1f} MiB.', size)
    video = open_video(path, fps, forward=True)
    if pictures:
        reason = 'the command asked for pictures'
    elif isinstance(video, FolderReader):
        reason = ('its frames are single files, taken to be '
                  f'{video.fps:g} per second')
    elif mime is None:
        reason = 'browsers do not play the codec of the file'
    else:
        reason = (f'the file of {size / MIB:.1f} MiB is over the limit of '
                  f'{limit / MIB:.1f} MiB')
    return pack_pictures(video, limit, reason)
