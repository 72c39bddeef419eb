# Copyright (c) mmevad authors. All rights reserved.
"""Frames of a video file, a folder or an array, by index, few at a time."""
import os
import os.path as osp
import re
from typing import Dict, List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from .errors import DataError

IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
VIDEO_ENDINGS = ('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v', '.mpg',
                 '.mpeg', '.wmv', '.flv', '.ts', '.3gp', '.ogv')
# of the frames that the header states, so many at least must be readable;
# some encoders count a few too many
_READABLE = 0.95


class FolderReader:
    """Images of a folder, in the order of the numbers in their names.

    Args:
        path (str): The folder.
        fps (float): Frame rate, which images do not know. Defaults to 25.

    Raises:
        DataError: If it holds no images, or when images differ in size.
    """

    def __init__(self, path: str, fps: Optional[float] = None) -> None:
        self.path = path
        self.fps = fps or 25.
        names = [
            name for name in os.listdir(path)
            if name.lower().endswith(IMAGE_ENDINGS)
        ]
        if not names:
            raise DataError(f'The folder {path} holds no images '
                            f'({", ".join(IMAGE_ENDINGS)}); extract the '
                            'frames first, or name a video file.')
        self.files = [osp.join(path, name) for name in sorted(names, key=_key)]
        height, width = self._image(self.files[0]).shape[:2]
        self.size = (width, height)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, indices: Sequence[int]) -> List[np.ndarray]:
        """(h, w, 3) uint8 RGB each."""
        wanted = {i: self._image(self.files[i]) for i in set(indices)}
        for i, image in wanted.items():
            size = image.shape[1::-1]
            if size != self.size:
                raise DataError(
                    f'{self.files[i]} is {size[0]}x{size[1]}, but the first '
                    f'frame is {self.size[0]}x{self.size[1]}; frames of a '
                    'video must have one size.')
        return [wanted[i] for i in indices]

    @staticmethod
    def _image(path: str) -> np.ndarray:
        image = cv2.imread(path)
        if image is None:
            raise DataError(f'The image {path} cannot be read; extract the '
                            'frames anew.')
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _key(name: str) -> List[Tuple[int, str]]:
    """img_2 before img_10."""
    return [(int(part), '') if part.isdigit() else (-1, part)
            for part in re.split(r'(\d+)', name)]


class OpenCVReader:
    """A video file read forward; frames still needed are kept.

    Seeking is inexact for some codecs, so the file is decoded from its start,
    once if the lowest index of the calls does not fall.

    Args:
        path (str): The file.
        fps (float, optional): Instead of the file's.
        length (int, optional): Frames, if known; counted by default, which
            decodes the file.

    Raises:
        DataError: If OpenCV finds no frames.
    """

    def __init__(self,
                 path: str,
                 fps: Optional[float] = None,
                 length: Optional[int] = None) -> None:
        self.path = path
        self._open()
        self._length = self._count() if length is None else length
        self.fps = fps or self._video.get(cv2.CAP_PROP_FPS) or 25.
        self._open()
        height, width = self.read([0])[0].shape[:2]
        self.size = (width, height)

    def _count(self) -> int:
        # the number in the header is an estimate, or absent
        count = 0
        while self._video.grab():
            count += 1
        if not count:
            raise DataError(f'{self.path} cannot be read as a video: neither '
                            'decord nor OpenCV finds frames in it; convert '
                            'it to mp4 or extract its frames to a folder.')
        stated = self._video.get(cv2.CAP_PROP_FRAME_COUNT)
        if count < _READABLE * stated:
            raise DataError(
                f'{self.path} is damaged: of the {stated:.0f} frames that '
                f'its header states, {count} can be read; get it again, or '
                'cut off what is damaged.')
        return count

    def __len__(self) -> int:
        return self._length

    def _open(self) -> None:
        self._video = cv2.VideoCapture(self.path)
        self._next = 0
        self._kept: Dict[int, np.ndarray] = {}

    def read(self, indices: Sequence[int]) -> List[np.ndarray]:
        """(h, w, 3) uint8 RGB each."""
        wanted, first = set(indices), min(indices)
        if any(i < self._next and i not in self._kept for i in wanted):
            self._open()
        self._kept = {i: x for i, x in self._kept.items() if i >= first}
        while self._next <= max(wanted):
            good = self._video.grab()
            if good and self._next >= first:
                good, image = self._video.retrieve()
                if good:
                    self._kept[self._next] = cv2.cvtColor(
                        image, cv2.COLOR_BGR2RGB)
            if not good:
                raise DataError(f'Frame {self._next} of {self.path} cannot be '
                                'decoded; the file may be damaged.')
            self._next += 1
        return [self._kept[i] for i in indices]


class DecordReader:
    """A video file read by decord, which seeks exactly.

    Args:
        path (str): The file.
        fps (float, optional): Instead of the file's.

    Raises:
        Exception: If decord is not installed, or cannot read the first and
            the last frame.
    """

    def __init__(self, path: str, fps: Optional[float] = None) -> None:
        import decord
        self.path = path
        self._video = decord.VideoReader(path, num_threads=1)
        self.fps = fps or float(self._video.get_avg_fps()) or 25.
        height, width = self.read([len(self) - 1, 0])[1].shape[:2]
        self.size = (width, height)

    def __len__(self) -> int:
        return len(self._video)

    def read(self, indices: Sequence[int]) -> List[np.ndarray]:
        """(h, w, 3) uint8 RGB each."""
        unique = sorted(set(indices))
        try:
            frames = self._video.get_batch(unique)
        except Exception as error:  # those of decord have no class in common
            raise DataError(
                f'The frames {unique[0]} to {unique[-1]} of {self.path} '
                'cannot be decoded; the file is damaged: get it '
                'again.') from error
        frames = frames.asnumpy() if hasattr(frames, 'asnumpy') else frames
        place = {index: i for i, index in enumerate(unique)}
        return [np.array(frames[place[i]]) for i in indices]


class ForwardReader(DecordReader):
    """A video file that is read from front to back.

    decord counts the frames without decoding them, but seeks whenever one
    is left out; OpenCV reads on. What it cannot decode is left to decord.
    """

    def __init__(self, path: str, fps: Optional[float] = None) -> None:
        self._forward: Optional[OpenCVReader] = None
        super().__init__(path, fps)
        self._forward = OpenCVReader(path, self.fps, len(self))

    def read(self, indices: Sequence[int]) -> List[np.ndarray]:
        """(h, w, 3) uint8 RGB each."""
        if self._forward:
            try:
                return self._forward.read(indices)
            except DataError:
                self._forward = None  # its numbering may be off from now on
        return super().read(indices)


class ArrayReader:
    """Frames in memory.

    Args:
        frames (np.ndarray): (T, h, w, 3) uint8 RGB.
        fps (float, optional): Frame rate, which an array does not know.
            Defaults to 25.
        path (str): What to call it in messages. Defaults to 'array'.

    Raises:
        DataError: If it is another kind of array.
    """

    def __init__(self,
                 frames: np.ndarray,
                 fps: Optional[float] = None,
                 path: str = 'array') -> None:
        if (frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size
                or frames.dtype != np.uint8):
            raise DataError(
                f'{path}: frames in memory are (T, height, width, 3) uint8 '
                f'RGB, but this is {frames.shape} {frames.dtype}.')
        self.path = path
        self.fps = fps or 25.
        self.size = (frames.shape[2], frames.shape[1])
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, indices: Sequence[int]) -> List[np.ndarray]:
        """(h, w, 3) uint8 RGB each."""
        return [self._frames[i] for i in indices]


VideoReader = Union[FolderReader, OpenCVReader, DecordReader, ArrayReader]


def open_video(path: str,
               fps: Optional[float] = None,
               forward: bool = False) -> VideoReader:
    """Open a video file (decord, else OpenCV) or a folder of frames.

    Args:
        path (str): File or folder.
        fps (float, optional): Frame rate instead of the file's; that of a
            folder is 25 by default.
        forward (bool): Whether it is read from front to back, which is many
            times faster then. Defaults to False.

    Returns:
        A reader with ``len()``, ``fps``, ``size`` (width, height) and
        ``read(indices)``; indices count from 0.

    Raises:
        DataError: If there is nothing, or nothing that can be read.
    """
    if osp.isdir(path):
        return FolderReader(path, fps)
    if not osp.isfile(path):
        raise DataError(f'The video {path} does not exist (looked in '
                        f'{os.getcwd()}).')
    if not osp.getsize(path):
        raise DataError(f'The video {path} is empty (0 bytes); get it again.')
    if path.lower().endswith(IMAGE_ENDINGS):
        # OpenCV would read all images whose names go on counting
        raise DataError(f'{path} is an image, not a video; name the folder '
                        'of all frames instead.')
    try:
        return (ForwardReader if forward else DecordReader)(path, fps)
    except Exception:  # those of decord have no class in common
        return OpenCVReader(path, fps)
