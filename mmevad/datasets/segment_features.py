# Copyright (c) mmevad authors. All rights reserved.
"""Clip features of untrimmed videos: files, and rows read when needed.

A .npy file is mapped into memory and an HDF5 file is read by rows, so a crop
costs the crop however long the video is. .npz and .pt files are read whole.
"""
import os.path as osp
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from mmevad.utils.checkpoint_outline import check_outline
from mmevad.utils.errors import DataError
from mmevad.utils.npz_file import read_npz
from mmevad.utils.packed_file import unpacked_limit

HDF5_ENDINGS = ('.h5', '.hdf5')
LAYOUTS = ('TC', 'CT')


class FeatureFile(NamedTuple):
    """Where the features of one video, or one stream of them, are.

    Attributes:
        path (str): Path to a file of that video, or to an HDF5 file of all.
        entry (str): Name of the video's entry in an HDF5 file.
        key (str): Name of the array, where a .npz file, a dict in a .pt
            file or a group in an HDF5 file holds several.
        layout (str): 'TC' if rows are time, 'CT' if columns are.
    """

    path: str
    entry: str = ''
    key: str = 'feats'
    layout: str = 'TC'

    def __str__(self) -> str:
        return f'{self.path}[{self.entry!r}]' if self.entry else self.path


class ClipFeatures:
    """Features of one video; streams lie side by side, rows are time.

    Slicing costs nothing, :meth:`read` copies the rows that are left.

    Args:
        streams (Sequence): Arrays (T, C_i), or whatever has ``shape`` and
            gives an array for a slice of rows.
        rows (range, optional): The rows that count. Defaults to None, which
            means all.
    """

    def __init__(self,
                 streams: Sequence[Any],
                 rows: Optional[range] = None) -> None:
        self.streams = list(streams)
        self.rows = range(streams[0].shape[0]) if rows is None else rows

    @property
    def shape(self) -> Tuple[int, int]:
        """Number of rows and of channels of all streams."""
        return len(self.rows), sum(x.shape[1] for x in self.streams)

    def __getitem__(self, rows: slice) -> 'ClipFeatures':
        """Some of the rows, in the same order."""
        return ClipFeatures(self.streams, self.rows[rows])

    def read(self) -> Tensor:
        """Read the rows: (C, T) float32, a transposed view of (T, C).

        So features lie in memory as in their files and as the model wants
        them.
        """
        rows = slice(self.rows.start, self.rows.stop, self.rows.step)
        features = torch.empty(self.shape, dtype=torch.float32)
        first = 0
        for stream in self.streams:
            last = first + stream.shape[1]
            # PyTorch transposes several times faster than NumPy.
            copied = np.array(stream[rows], dtype=np.float32)
            features[:, first:last] = torch.from_numpy(copied)
            first = last
        return features.t()


def open_features(file: FeatureFile) -> Any:
    """Open the features of one stream.

    Args:
        file (FeatureFile): Where they are.

    Returns:
        Any: Has ``shape`` (T, C) and gives an array for a slice of rows.

    Raises:
        DataError: If the file is missing, damaged, or holds anything but a
            non-empty matrix of numbers.
        ImportError: If h5py is needed and not installed.
    """
    if not osp.isfile(file.path):
        raise DataError(missing_sentence(file))
    ending = osp.splitext(file.path)[1].lower()
    if ending not in _OPENERS:
        raise DataError(f'{file.path} does not end in {", ".join(_OPENERS)}; '
                        'save the features in one of these forms.')
    try:
        features = _OPENERS[ending](file)
    except (DataError, ImportError):
        raise
    except Exception as error:  # whatever a damaged file makes a reader say
        raise DataError(f'{file} cannot be read ({error}); extract or '
                        'download it again.') from error
    shape = tuple(getattr(features, 'shape', ()))
    if len(shape) != 2 or 0 in shape or not _is_numeric(features.dtype):
        raise DataError(
            f'{file} holds {shape} values of type '
            f'{getattr(features, "dtype", type(features).__name__)}; '
            'expected a matrix of numbers, time x channels.')
    return features if file.layout == 'TC' else features.T


def find_missing(files: Sequence[FeatureFile]) -> List[FeatureFile]:
    """The files, or entries of HDF5 files, that do not exist.

    Raises:
        DataError: If an HDF5 file cannot be opened.
    """
    entries: Dict[str, set] = {}
    missing = []
    for file in files:
        if not osp.isfile(file.path):
            missing.append(file)
        elif file.entry:
            if file.path not in entries:
                wanted = {x.entry for x in files if x.path == file.path}
                with _open_hdf5(file.path) as content:
                    entries[file.path] = {x for x in wanted if x in content}
            if file.entry not in entries[file.path]:
                missing.append(file)
    return missing


def missing_sentence(file: FeatureFile) -> str:
    """What to do about features that do not exist."""
    return (f'{file} does not exist; extract the features or correct '
            'data_prefix, feat_prefix and feat_ext.')


def _is_numeric(dtype: Any) -> bool:
    return np.dtype(dtype).kind in 'fiu'


def _open_npy(file: FeatureFile) -> np.ndarray:
    return np.load(file.path, mmap_mode='r', allow_pickle=False)


def _open_npz(file: FeatureFile) -> np.ndarray:
    return read_npz(file.path, file.key)[file.key]


def _open_torch(file: FeatureFile) -> np.ndarray:
    check_outline(file.path)
    # only the newer of torch's two formats can be mapped into memory
    content = torch.load(
        file.path,
        map_location='cpu',
        weights_only=True,
        mmap=zipfile.is_zipfile(file.path))
    if isinstance(content, dict):
        if file.key not in content:
            raise DataError(f'{file.path} has no tensor {file.key!r}, but '
                            f'{list(content)[:5]}; set feat_key.')
        content = content[file.key]
    if isinstance(content, np.ndarray):
        return content
    if not isinstance(content, Tensor):
        raise DataError(f'{file} holds {type(content).__name__}; expected a '
                        'tensor, time x channels.')
    content = content.detach()
    if content.dtype == torch.bfloat16:  # unknown to NumPy
        content = content.float()
    return content.numpy()


class _HDF5Rows:
    """A matrix in an HDF5 file, opened anew for each read.

    An open file must not be shared by the workers of a data loader.
    """

    def __init__(self, file: FeatureFile, transposed: bool = False) -> None:
        self.file = file
        self.transposed = transposed
        with _open_hdf5(file.path) as content:
            data = self._find(content)
            _check_hdf5(data, file)
            self.dtype = data.dtype
            self.shape = data.shape[::-1] if transposed else data.shape

    @property
    def T(self) -> '_HDF5Rows':
        return _HDF5Rows(self.file, not self.transposed)

    def __getitem__(self, rows: slice) -> np.ndarray:
        with _open_hdf5(self.file.path) as content:
            data = self._find(content)
            return data[:, rows].T if self.transposed else data[rows]

    def _find(self, content: Any) -> Any:
        file = self.file
        if file.entry not in content:
            raise DataError(missing_sentence(file))
        data = content[file.entry]
        if hasattr(data, 'keys'):
            if file.key not in data:
                raise DataError(f'{file} has no dataset {file.key!r}, but '
                                f'{list(data)[:5]}; set feat_key.')
            data = data[file.key]
        return data


def _check_hdf5(data: Any, file: FeatureFile) -> None:
    """Refuse data that is elsewhere, or declared but not there."""
    if data.file.filename != file.path or data.external or data.is_virtual:
        raise DataError(f'{file} was refused: its data lies in another file; '
                        'copy it into this one.')
    stored = osp.getsize(file.path)
    if data.size * data.dtype.itemsize > unpacked_limit(stored):
        raise DataError(f'{file} was refused: the shape {data.shape} of '
                        f'{data.dtype} takes far more than the {stored:,} '
                        'bytes of the file; write it again.')


def _open_hdf5(path: str) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f'Reading {path} needs h5py; install it with '
                          '`pip install h5py`.') from error
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise DataError(f'{path} cannot be read as HDF5 ({error}); download '
                        'or write it again.') from error


_OPENERS = {
    '.npy': _open_npy,
    '.npz': _open_npz,
    '.pt': _open_torch,
    '.pth': _open_torch,
    '.h5': _HDF5Rows,
    '.hdf5': _HDF5Rows,
}
