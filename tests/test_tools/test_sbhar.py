"""SBHAR's signals as a segment dataset."""
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from mmevad.datasets import SegmentDataset
from mmevad.utils import DataError

path = Path(__file__).parents[2] / 'tools/data/sbhar/make_sbhar.py'
spec = importlib.util.spec_from_file_location('make_sbhar', path)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

LABELS = '1 1 5 1 100\n1 1 7 101 150\n2 1 1 11 60\n3 2 12 1 130\n'


@pytest.fixture
def sources(tmp_path):
    """The release's RawData and the same signals as integers."""
    rng = np.random.default_rng(0)
    signals = {
        'exp01_user01': rng.integers(-900, 900, (160, 3)),
        'exp02_user01': rng.integers(-900, 900, (130, 3)),
        'exp03_user02': rng.integers(-900, 900, (140, 3))
    }
    raw = tmp_path / 'RawData'
    raw.mkdir()
    (raw / 'labels.txt').write_text(LABELS)
    (tmp_path / 'labels.txt').write_text(LABELS)
    for name, signal in signals.items():
        np.savetxt(raw / f'acc_{name}.txt', signal / 720, fmt='%.10f')
        np.savetxt(raw / f'gyro_{name}.txt', signal * 0.)
    np.savez(
        tmp_path / 'raw.npz',
        acc_scale=1 / 720,
        **{
            f'{k}_acc': v.astype(np.int16)
            for k, v in signals.items()
        })
    return str(raw), str(tmp_path / 'raw.npz'), signals


def test_both_sources_give_the_same(sources, tmp_path, capsys):
    folders = []
    for number, source in enumerate(sources[:2]):
        folders.append(tmp_path / f'out{number}')
        tool.main([source, '--out', str(folders[-1]), '--val-users', '2'])
    assert 'Training: 1 videos, 3 segments' in capsys.readouterr().out
    first, second = ((x / 'sbhar.json').read_text() for x in folders)
    assert first == second
    for name, rows in (('sbj_0', 10), ('sbj_1', 4)):
        feats = [np.load(x / 'features' / f'{name}.npy') for x in folders]
        assert feats[0].shape == (rows, 150)
        assert feats[0].dtype == np.float32
        assert np.abs(feats[0] - feats[1]).max() < 1e-7


def test_features_and_segments(sources, tmp_path):
    """Axes one after the other; the second experiment follows the first."""
    tool.main([sources[1], '--out', str(tmp_path / 'out'), '--val-users', '2'])
    feats = np.load(tmp_path / 'out/features/sbj_0.npy')
    signal = np.concatenate(
        [sources[2]['exp01_user01'], sources[2]['exp02_user01']]) / 720
    for row in range(10):
        window = signal[25 * row:25 * row + 50]
        assert np.array_equal(feats[row], window.T.ravel().astype(np.float32))
    content = json.loads((tmp_path / 'out/sbhar.json').read_text())
    entry = content['database']['sbj_0']
    assert (entry['duration'], entry['fps']) == (5.8, 50)
    assert [(*x['segment'], x['label'], x['label_id'])
            for x in entry['annotations']] == [(0., 2., 'standing', 4),
                                               (2., 3., 'stand-to-sit', 6),
                                               (3.4, 4.4, 'walking', 0)]
    dataset = SegmentDataset(
        str(tmp_path / 'out/sbhar.json'),
        25,
        50,
        subset='training',
        data_prefix=dict(feat=str(tmp_path / 'out/features')),
        feat_dims=150)
    assert len(dataset) == 1 and len(dataset.metainfo['classes']) == 12
    assert dataset.check() == []


def test_errors(sources, tmp_path):
    raw, npz, _ = sources
    out = ['--out', str(tmp_path / 'out')]
    with pytest.raises(DataError, match='no person 9, but'):
        tool.main([raw, *out, '--val-users', '9'])
    labels = tmp_path / 'other.txt'
    for text, message in (('1 1 13 1 5\n', 'has activity 13'),
                          ('1 1 5 1 161\n', 'samples 1 to 161'),
                          ('1 1 5 9 5\n', 'samples 9 to 5')):
        labels.write_text(text)
        with pytest.raises(DataError, match=message):
            tool.main([raw, *out, '--labels', str(labels), '--val-users', '2'])
    (Path(raw) / 'acc_exp01_user01.txt').write_text('a b c\n')
    with pytest.raises(DataError, match='acc_exp01_user01.txt is no table'):
        tool.main([raw, *out])
    with pytest.raises(DataError, match='has no signals'):
        tool.main([str(tmp_path / 'out'), *out, '--labels', str(labels)])
    with pytest.raises(DataError, match='none.txt does not exist'):
        tool.main([npz, *out, '--labels', 'none.txt'])
    assert not (tmp_path / 'out' / 'sbhar.json').exists()
