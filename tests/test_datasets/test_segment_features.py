"""Feature files of all forms, and that only what is needed is read."""
import builtins

import numpy as np
import pytest
import torch

from mmevad.datasets.segment_features import (ClipFeatures, FeatureFile,
                                              find_missing, open_features)
from mmevad.utils import DataError
from .segment_files import features

RAW = features(50)


class Rows:
    """Counts the rows that are read."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __getitem__(self, rows):
        self.read += range(self.shape[0])[rows]
        return self.array[rows]


def save(path, array):
    ending = path.suffix
    if ending == '.npy':
        np.save(path, array)
    elif ending == '.npz':
        np.savez(path, feats=array, other=np.zeros(3))
    else:
        torch.save(torch.from_numpy(np.ascontiguousarray(array)), path)
    return str(path)


@pytest.mark.parametrize('layout', ['TC', 'CT'])
@pytest.mark.parametrize('ending', ['.npy', '.npz', '.pt', '.pth'])
def test_every_file_gives_the_same(tmp_path, ending, layout):
    stored = RAW if layout == 'TC' else RAW.T
    path = save(tmp_path / f'a{ending}', stored)
    clip = ClipFeatures([open_features(FeatureFile(path, layout=layout))])
    assert clip.shape == (50, 6)
    read = clip.read()
    assert read.dtype == torch.float32 and read.t().is_contiguous()
    assert np.array_equal(read, RAW.T)
    assert np.array_equal(clip[10:41:3].read(), RAW[10:41:3].T)


@pytest.mark.parametrize('layout', ['TC', 'CT'])
def test_hdf5(tmp_path, layout):
    h5py = pytest.importorskip('h5py')
    path = str(tmp_path / 'all.h5')
    stored = RAW if layout == 'TC' else RAW.T
    with h5py.File(path, 'w') as file:
        file['v_a'] = stored
        file['v_b/c3d'] = stored
    for file in (FeatureFile(path, 'v_a', layout=layout),
                 FeatureFile(path, 'v_b', 'c3d', layout)):
        clip = ClipFeatures([open_features(file)])
        assert clip.shape == (50, 6)
        assert np.array_equal(clip[7:20:2].read(), RAW[7:20:2].T)
    files = [FeatureFile(path, name) for name in ('v_a', 'x', 'v_b')]
    assert find_missing(files) == files[1:2]
    with pytest.raises(DataError, match=r"all.h5\['v_b'\] has no dataset"):
        open_features(files[2])
    with pytest.raises(DataError, match=r"all.h5\['x'\] does not exist"):
        open_features(files[1])


def test_hdf5_without_h5py(tmp_path, monkeypatch):
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name == 'h5py':
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', fake)
    (tmp_path / 'all.h5').write_bytes(b'')
    with pytest.raises(ImportError, match='pip install h5py'):
        open_features(FeatureFile(str(tmp_path / 'all.h5'), 'a'))


def test_damaged_hdf5(tmp_path):
    pytest.importorskip('h5py')
    (tmp_path / 'all.h5').write_bytes(b'nothing')
    file = FeatureFile(str(tmp_path / 'all.h5'), 'a')
    with pytest.raises(DataError, match='cannot be read as HDF5'):
        find_missing([file])
    with pytest.raises(DataError, match='cannot be read as HDF5'):
        open_features(file)


def test_npy_is_mapped_and_only_the_crop_is_read(tmp_path):
    path = save(tmp_path / 'a.npy', RAW)
    assert isinstance(open_features(FeatureFile(path)), np.memmap)
    rows = Rows(RAW)
    crop = ClipFeatures([rows])[::2][5:9]
    assert rows.read == [] and crop.shape == (4, 6)
    crop.read()
    assert rows.read == [10, 12, 14, 16]


def test_new_pt_files_are_mapped(tmp_path, monkeypatch):
    flags = []
    real = torch.load

    def load(*args, **kwargs):
        flags.append((kwargs['mmap'], kwargs['weights_only']))
        return real(*args, **kwargs)

    monkeypatch.setattr(torch, 'load', load)
    tensor = torch.from_numpy(RAW)
    torch.save(tensor, tmp_path / 'new.pt')
    torch.save(
        tensor, tmp_path / 'old.pt', _use_new_zipfile_serialization=False)
    torch.save(dict(feats=tensor.bfloat16()), tmp_path / 'dict.pt')
    for name in ('new.pt', 'old.pt', 'dict.pt'):
        got = open_features(FeatureFile(str(tmp_path / name)))
        assert np.allclose(got, RAW, atol=0.02)
    assert flags == [(True, True), (False, True), (True, True)]


def test_streams_lie_side_by_side():
    other = features(50, 3, seed=1).astype(np.float16)
    clip = ClipFeatures([RAW, other])[4:8]
    assert clip.shape == (4, 9)
    expected = np.concatenate([RAW, other], axis=1)[4:8].T
    assert np.array_equal(clip.read(), expected)


class Payload:

    def __reduce__(self):
        return print, ('code was run', )


@pytest.mark.parametrize('write,message', [
    (lambda path: None, 'does not exist'),
    (lambda path: path.write_bytes(b'x' * 200), 'cannot be read'),
    (lambda path: np.save(path, RAW[0]), r'holds \(6,\) values'),
    (lambda path: np.save(path, RAW[None]), r'holds \(1, 50, 6\) values'),
    (lambda path: np.save(path, RAW[:0]), r'holds \(0, 6\) values'),
    (lambda path: np.save(path, RAW.astype('S3')), r'type \|S3'),
    (lambda path: np.save(path, np.array([[None]]), allow_pickle=True),
     'cannot be read'),
])
def test_bad_npy(tmp_path, write, message):
    path = tmp_path / 'a.npy'
    write(path)
    with pytest.raises(DataError, match=rf'a\.npy.*{message}'):
        open_features(FeatureFile(str(path)))


def test_cut_off_npy(tmp_path):
    path = tmp_path / 'a.npy'
    np.save(path, RAW)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r'a\.npy cannot be read'):
        open_features(FeatureFile(str(path)))


def test_bad_pt_npz_and_endings(tmp_path, capsys):
    torch.save(dict(feats=Payload()), tmp_path / 'code.pt')
    torch.save(dict(x=torch.zeros(2, 3)), tmp_path / 'key.pt')
    np.savez(tmp_path / 'key.npz', x=RAW)
    np.savetxt(tmp_path / 'a.csv', RAW)
    for name, message in (('code.pt', 'cannot be read'), ('key.pt',
                                                          "no tensor 'feats'"),
                          ('key.npz', "no array 'feats'"),
                          ('a.csv', 'does not end in .npy')):
        with pytest.raises(DataError, match=message):
            open_features(FeatureFile(str(tmp_path / name)))
    assert 'code was run' not in capsys.readouterr().out
