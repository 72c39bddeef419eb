"""Each thing that is wrong is reported exactly once."""
import json

import numpy as np
import pytest

from mmevad.datasets.segment_checks import expected_rows
from mmevad.utils import DataError
from .segment_files import (CLASSES, action, build, features, video,
                            write_features)


def check(folder, database, lengths=None, annotations_only=False, **kwargs):
    dataset = build(folder, database, lengths, lazy_init=True, **kwargs)
    return dataset.check(annotations_only=annotations_only)


def one(problems, name, kind, *words):
    assert [(x.video, x.kind) for x in problems] == [(name, kind)]
    for word in words:
        assert word in problems[0].message
    assert problems[0].message.endswith('.')


@pytest.fixture
def good():
    return dict(
        a=video(action(1., 2.), action(0., 20., 1)),
        b=video(action(5., 9.)),
        c=video())


def test_nothing_wrong(tmp_path, good):
    assert check(tmp_path, good) == []


@pytest.mark.parametrize('row,kind,words', [
    (action(18., 20.5), 'segment outside video', '[18, 20.5] leaves'),
    (action(-1., 2.), 'segment outside video', '[-1, 2] leaves'),
    (action(-1., 25.), 'segment outside video', '[-1, 25] leaves'),
    (action(4., 4.), 'empty segment', '[4, 4] does not end'),
    (action(6., 4.), 'empty segment', '[6, 4] does not end'),
    (action(26., 24.), 'empty segment', '[26, 24] does not end'),
    (dict(segment=[1., 2.], label='fly'), 'unknown label', "'fly' is none"),
    (dict(segment=[1., 2.], label='run',
          label_id=7), 'unknown label', 'label_id 7'),
    (dict(segment=[1.], label='run'), 'malformed annotation', '"segment"'),
])
def test_annotation(tmp_path, good, row, kind, words):
    good['b']['annotations'] += [row, action(7., 8.)]
    place = 'ann.json, video b, annotations[1]: '
    for annotations_only in (True, False):
        problems = check(tmp_path, good, annotations_only=annotations_only)
        one(problems, 'b', kind, place, words)


@pytest.mark.parametrize('key,kind', [('duration', 'missing duration'),
                                      ('fps', 'missing fps')])
def test_missing_numbers(tmp_path, good, key, kind):
    del good['b'][key]
    one(check(tmp_path, good), 'b', kind, 'ann.json, video b: ', f'"{key}"')


def test_missing_features(tmp_path, good):
    problems = check(tmp_path, good, dict(a=100, c=100))
    one(problems, 'b', 'missing features', 'feats/b.npy does not exist')
    assert check(tmp_path / 'feats', good, {}, annotations_only=True) == []


@pytest.mark.parametrize('feat_dims', [None, 6])
def test_wrong_width(tmp_path, good, feat_dims):
    feats = tmp_path / 'feats'
    write_features(feats, dict(a=100, b=100, c=100))
    np.save(feats / 'b.npy', features(100, 7))
    problems = check(tmp_path, good, {}, feat_dims=feat_dims)
    one(problems, 'b', 'wrong width', 'feats/b.npy has 7 channels instead '
        'of 6')


@pytest.mark.parametrize('value', [np.nan, -np.inf])
def test_nan_in_a_late_row(tmp_path, value):
    """Rows are read in parts of 4096."""
    database = dict(a=video(duration=1800.))
    feats = tmp_path / 'feats'
    write_features(feats, dict(a=9000))
    bad = features(9000)
    bad[8999, 5] = bad[8990, 0] = value
    np.save(feats / 'a.npy', bad)
    problems = check(tmp_path, database, {})
    one(problems, 'a', 'NaN or Inf', 'feats/a.npy has NaN or Inf in row 8990')


def test_unreadable(tmp_path, good):
    write_features(tmp_path / 'feats', dict(a=100, c=100))
    (tmp_path / 'feats' / 'b.npy').write_bytes(b'nothing')
    problems = check(tmp_path, good, {})
    one(problems, 'b', 'unreadable features', 'feats/b.npy cannot be read')


@pytest.mark.parametrize('length', [97, 103, 50, 1])
def test_wrong_length(tmp_path, good, length):
    """20 s * 25 fps / 5 = 100."""
    problems = check(tmp_path, good, dict(a=100, b=length, c=102))
    one(problems, 'b', 'wrong length', f'feats/b.npy has {length} rows',
        '98 to 102')


def test_unknown_stride_has_no_length(tmp_path, good):
    problems = check(
        tmp_path,
        good,
        dict(a=100, b=7, c=33),
        feat_stride=None,
        num_frames=None)
    assert problems == []


@pytest.mark.parametrize('arguments,limits', [
    ((20, 25, 5, 5), (98, 102)),
    ((100, 30, 4, 16), (732, 765)),
    ((4, 30, 4, 16), (26, 31)),
    ((0.1, 30, 16, 32), (1, 1)),
])
def test_expected_rows(arguments, limits):
    """2 % around windows that fit, and around frames / stride."""
    assert expected_rows(*arguments) == limits


def test_streams(tmp_path, good):
    """A missing file is reported for its stream; so are lengths."""
    rgb = write_features(tmp_path / 'rgb', dict(a=100, b=100, c=100), 4)
    flow = write_features(tmp_path / 'flow', dict(a=100, c=99), 3)
    problems = check(tmp_path, good, {}, data_prefix=dict(feat=[rgb, flow]))
    assert [(x.video, x.kind)
            for x in problems] == [('b', 'missing features'),
                                   ('c', 'lengths of streams')]
    assert 'flow/b.npy' in problems[0].message
    assert '[99, 100]' in problems[1].message


def test_all_at_once(tmp_path):
    """Ten problems in one walk, each once."""
    names = 'abcdefghij'
    database = {name: video(action(1., 2.)) for name in names}
    database['a']['annotations'].append(action(19., 21.))
    database['b']['annotations'].append(action(3., 3.))
    database['c']['annotations'].append(dict(segment=[1., 2.], label='fly'))
    database['d']['annotations'].append(dict(label='run'))
    del database['e']['fps'], database['f']['duration']
    lengths = {name: 100 for name in names if name != 'g'}
    lengths['h'] = 80
    feats = tmp_path / 'feats'
    write_features(feats, lengths)
    np.save(feats / 'i.npy', features(100, 5))
    bad = features(100)
    bad[3] = np.nan
    np.save(feats / 'j.npy', bad)
    problems = check(tmp_path, database, {})
    assert sorted((x.video, x.kind) for x in problems) == [
        ('a', 'segment outside video'),
        ('b', 'empty segment'),
        ('c', 'unknown label'),
        ('d', 'malformed annotation'),
        ('e', 'missing fps'),
        ('f', 'missing duration'),
        ('g', 'missing features'),
        ('h', 'wrong length'),
        ('i', 'wrong width'),
        ('j', 'NaN or Inf'),
    ]
    assert len({x.message for x in problems}) == 10


def test_changes_nothing(tmp_path, good):
    good['a']['annotations'].append(action(19., 29.))
    path = tmp_path / 'ann.json'
    dataset = build(tmp_path, good)
    before = path.read_bytes(), len(dataset)
    assert len(dataset.check()) == len(dataset.check()) == 1
    assert (path.read_bytes(), len(dataset)) == before
    assert json.loads(before[0])['database'] == good


def test_unusable_file_raises(tmp_path, good):
    dataset = build(tmp_path, good, lazy_init=True, subset='none')
    with pytest.raises(DataError, match="no video of subset 'none'"):
        dataset.check()


def test_hdf5(tmp_path, good):
    h5py = pytest.importorskip('h5py')
    path = str(tmp_path / 'all.h5')
    with h5py.File(path, 'w') as file:
        file['a'] = features(100)
        file['b'] = features(90)
    problems = check(tmp_path, good, {}, data_prefix=dict(feat=path))
    assert [(x.video, x.kind) for x in problems] == [('c', 'missing features'),
                                                     ('b', 'wrong length')]
    assert "all.h5['c'] does not exist" in problems[0].message
    assert "all.h5['b'] has 90 rows" in problems[1].message


def test_class_file_of_another_dataset(tmp_path, good):
    problems = check(tmp_path, good, metainfo=dict(classes=CLASSES[::-1]))
    assert [(x.video, x.kind) for x in problems] == [('a', 'unknown label'),
                                                     ('a', 'unknown label'),
                                                     ('b', 'unknown label')]
