# Copyright (c) mmevad authors. All rights reserved.
"""What inferencers take: files, folders, URLs, cameras and arrays."""
import os
import os.path as osp
import shutil
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Union
from urllib.parse import unquote, urlparse

import numpy as np
from mmengine.fileio import get

from mmevad.datasets.segment_features import HDF5_ENDINGS
from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import (IMAGE_ENDINGS, VIDEO_ENDINGS,
                                       ArrayReader, VideoReader, open_video)
from .camera import record_camera

Source = Union[str, int, np.ndarray, VideoReader]
InputsType = Union[Source, 'Input', Sequence[Union[Source, 'Input']]]

FEATURE_ENDINGS = ('.npy', '.npz', '.pt', '.pth') + HDF5_ENDINGS
# of a side in pixels: a patch of the transformers
MIN_SIDE = 16


class Input(NamedTuple):
    """One video or one file of features.

    Attributes:
        source (str, int, np.ndarray or VideoReader): Path, URL, index of a
            camera, frames or features in memory, or an open video.
        name (str): Of the files that are written for it.
    """
    source: Source
    name: str


def list_inputs(inputs: InputsType, features: bool = False) -> List[Input]:
    """One entry per video.

    A folder of images is a video; one of video files, or of feature files,
    has one entry for each, by name; so has an HDF5 file, for each of its
    entries ``FILE::ENTRY``.

    Args:
        inputs (str, int, np.ndarray, VideoReader, Input or list): What to
            list; a list may mix kinds.
        features (bool): Whether files of features are taken, too. Defaults
            to False.

    Raises:
        DataError: If there is nothing, or two entries have the same name.
    """
    if not isinstance(inputs, (list, tuple)) or isinstance(inputs, Input):
        inputs = [inputs]
    found: List[Input] = []
    for i, source in enumerate(inputs):
        if isinstance(source, str) and osp.isdir(source):
            found += _list_folder(source, features)
        elif (features and isinstance(source, str)
              and source.lower().endswith(HDF5_ENDINGS)):
            found += _list_hdf5(source)
        elif isinstance(source, Input):
            found.append(source)
        else:
            found.append(Input(source, _name(source, i)))
    if not found:
        raise DataError('There are no inputs: the list is empty.')
    names = {}
    for item in found:
        if item.name in names:
            raise DataError(
                f'The inputs {names[item.name]} and {item.source} are both '
                f'called {item.name}, so that one would overwrite the '
                'results of the other; rename one, or run them one by one.')
        names[item.name] = item.source
    return found


def is_feature_file(source: Any) -> bool:
    """Whether it is an array of features or a path of such a file."""
    if isinstance(source, np.ndarray):
        return source.ndim == 2
    if not isinstance(source, str):
        return False
    path = urlparse(source).path if '://' in source else source
    return path.split('::')[0].lower().endswith(FEATURE_ENDINGS)


@contextmanager
def local_file(source: str) -> Iterator[str]:
    """Path of a file; one behind a URL is there as long as the context.

    Raises:
        DataError: If it cannot be downloaded.
    """
    if '://' not in source:
        yield source
        return
    folder = tempfile.mkdtemp(prefix='mmevad_')
    try:
        path = osp.join(folder, _url_file(source))
        try:
            content = get(source)
        except Exception as error:  # each storage has its own kinds
            raise DataError(f'{source} cannot be downloaded '
                            f'({type(error).__name__}: {error}).') from error
        with open(path, 'wb') as file:
            file.write(content)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def local_video(item: Input,
                fps: Optional[float] = None,
                camera_seconds: float = 10.) -> Iterator[VideoReader]:
    """An open video; what was downloaded or recorded goes with the context.

    Args:
        item (Input): Of a video.
        fps (float, optional): Instead of the file's.
        camera_seconds (float): How long to record from a camera. Defaults
            to 10.

    Raises:
        DataError: If it cannot be read, or its frames are too small to see
            anything.
    """
    source = item.source
    if isinstance(source, str):
        with local_file(source) as path:
            yield checked(open_video(path, fps, forward=True))
    elif isinstance(source, (int, np.integer)):
        with tempfile.TemporaryDirectory(prefix='mmevad_') as folder:
            path = osp.join(folder, f'{item.name}.avi')
            rate = record_camera(int(source), camera_seconds, path)
            yield checked(open_video(path, fps or rate, forward=True))
    elif isinstance(source, np.ndarray):
        yield checked(ArrayReader(source, fps, item.name))
    else:
        yield checked(source)


def checked(video: VideoReader) -> VideoReader:
    """The video, if its frames are large enough.

    Raises:
        DataError: If not.
    """
    width, height = video.size
    if min(width, height) < MIN_SIDE:
        raise DataError(f'The frames of {video.path} are {width}x{height} '
                        f'pixels; both sides need at least {MIN_SIDE}.')
    return video


def _list_folder(folder: str, features: bool) -> List[Input]:
    kinds = dict(images=IMAGE_ENDINGS, videos=VIDEO_ENDINGS)
    if features:
        kinds['features'] = FEATURE_ENDINGS
    names = sorted(os.listdir(folder))
    found = {
        kind: [n for n in names if n.lower().endswith(endings)]
        for kind, endings in kinds.items()
    }
    found = {kind: files for kind, files in found.items() if files}
    if len(found) != 1:
        what = ' and '.join(found) or 'none of ' + ', '.join(kinds)
        raise DataError(f'The folder {folder} holds {what}; it must hold one '
                        'kind: the images of a video, or several files of '
                        f'the other{"s" if features else ""}.')
    if 'images' in found:
        return [Input(folder, osp.basename(osp.abspath(folder)))]
    files = next(iter(found.values()))
    return [Input(osp.join(folder, n), osp.splitext(n)[0]) for n in files]


def _list_hdf5(path: str) -> List[Input]:
    import h5py
    try:
        with h5py.File(path, 'r') as content:
            return [Input(f'{path}::{entry}', entry) for entry in content]
    except OSError as error:
        raise DataError(f'{path} cannot be read as HDF5 ({error}); correct '
                        'the path, or download it again.') from error


def _url_file(url: str) -> str:
    """Name of the file that a URL points to."""
    return osp.basename(unquote(urlparse(url).path)) or 'download'


def _name(source: Source, place: int) -> str:
    if isinstance(source, str):
        file = _url_file(source) if '://' in source else osp.basename(source)
        if '::' in file:  # an entry of an HDF5 file
            return file.split('::')[1]
        return osp.splitext(file)[0]
    if isinstance(source, (int, np.integer)):
        return f'camera_{source}'
    if isinstance(source, np.ndarray):
        return f'array_{place}'
    if not hasattr(source, 'read'):
        raise TypeError('inputs are paths, URLs, indices of cameras, arrays '
                        f'or open videos, not {type(source).__name__}')
    name = osp.basename(osp.normpath(source.path))
    return name if osp.isdir(source.path) else osp.splitext(name)[0]
