# Copyright (c) mmevad authors. All rights reserved.
"""Feature files and checkpoints: good ones, how they break, what is read."""
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Callable

import numpy as np
import torch
from hypothesis import strategies as st

from mmevad.datasets.segment_features import (ClipFeatures, FeatureFile,
                                              open_features)
from mmevad.utils.checkpoint_file import find_weights, read_checkpoint
from .fuzz_formats import Format, one
from .mutations import damaged

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
# matrices that are none, or of no numbers
OTHERS = [
    ROWS.astype(np.float64), ROWS.astype(np.int16), ROWS[:0], ROWS[0],
    ROWS[None], ROWS > 3, ROWS.astype(complex), ROWS.astype(str),
    ROWS.astype('datetime64[s]'), ROWS.T[:, :0],
    np.full((2, 3), np.nan, np.float32)
]  # yapf: disable


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _npz(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, feats=array)
    return file.getvalue()


def _torch(array: np.ndarray, **kwargs: Any) -> bytes:
    file = io.BytesIO()
    try:
        content = torch.from_numpy(array.copy())
    except TypeError:
        content = array.tolist()
    torch.save(dict(feats=content), file, **kwargs)
    return file.getvalue()


def _old_torch(array: np.ndarray) -> bytes:
    return _torch(array, _use_new_zipfile_serialization=False)


def _hdf5(array: np.ndarray) -> bytes:
    import h5py
    file = io.BytesIO()
    with h5py.File(file, 'w') as content:
        kind = array.astype('S') if array.dtype.kind in 'UM' else array
        content['v'] = kind
    return file.getvalue()


def _files(ending: str, write: Callable) -> st.SearchStrategy:
    return one(
        f'a{ending}',
        st.one_of(
            st.sampled_from([ROWS, *OTHERS]).map(write), damaged(write(ROWS))))


def _read(folder: Path) -> tuple:
    path = next(folder.glob('a.*'))
    entry = 'v' if path.suffix == '.h5' else ''
    features = ClipFeatures([open_features(FeatureFile(str(path), entry))])
    read = features.read()
    assert tuple(read.shape) == features.shape[::-1]
    return tuple(features.shape)


def _expected(load: Callable) -> Callable:
    """Shape of a matrix of numbers by its library alone."""

    def expected(files: dict) -> tuple:
        array = load(io.BytesIO(next(iter(files.values()))))
        assert array.ndim == 2 and array.dtype.kind in 'fiu'
        return array.shape

    return expected


def _load_hdf5(file: io.BytesIO) -> np.ndarray:
    import h5py
    with h5py.File(file, 'r') as content:
        return content['v'][()]


WEIGHTS = dict(
    state_dict={
        'a': torch.arange(6.).reshape(2, 3),
        'b': torch.ones(1)
    },
    meta=dict(epoch=1, classes=('x', 'y')))


def _checkpoint(**kwargs: Any) -> bytes:
    file = io.BytesIO()
    torch.save(WEIGHTS, file, **kwargs)
    return file.getvalue()


def _read_weights(folder: Path) -> int:
    path = str(folder / 'a.pth')
    return len(find_weights(read_checkpoint(path), path, ['x']).tensors) \
        if 'state_dict' not in read_checkpoint(path) else len(
            find_weights(read_checkpoint(path), path, ['state_dict']).tensors)


def _count_weights(files: dict) -> int:
    content = torch.load(
        io.BytesIO(files['a.pth']), map_location='cpu', weights_only=True)
    content = content.get('state_dict', content)
    return sum(isinstance(x, torch.Tensor) for x in content.values())


def _of_key(name: str) -> Callable:

    def load(file: io.BytesIO) -> np.ndarray:
        with tempfile.NamedTemporaryFile(suffix='.pt') as copy:
            copy.write(file.getvalue())
            copy.flush()
            content = torch.load(
                copy.name,
                map_location='cpu',
                weights_only=True,
                mmap=zipfile.is_zipfile(copy.name))
        content = content[name] if isinstance(content, dict) else content
        return content.detach().numpy()

    return load


FEATURES = {
    'features .npy':
    Format(
        _files('.npy', _npy), _read,
        _expected(lambda file: np.load(file, allow_pickle=False))),
    'features .npz':
    Format(
        _files('.npz', _npz), _read,
        _expected(lambda file: np.lib.npyio.NpzFile(file)['feats'])),
    'features .pt':
    Format(_files('.pt', _torch), _read, _expected(_of_key('feats'))),
    'features .pt, older form':
    Format(_files('.pt', _old_torch), _read, _expected(_of_key('feats'))),
    'features .h5':
    Format(_files('.h5', _hdf5), _read, _expected(_load_hdf5)),
    'checkpoint':
    Format(
        one('a.pth', damaged(_checkpoint())), _read_weights, _count_weights),
    'checkpoint, older form':
    Format(
        one('a.pth',
            damaged(_checkpoint(_use_new_zipfile_serialization=False))),
        _read_weights, _count_weights),
}
