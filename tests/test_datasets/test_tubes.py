# Copyright (c) mmevad authors. All rights reserved.
import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from mmevad.datasets.tube_keyframes import tubes_to_keyframes
from mmevad.datasets.tubes import load_tubes, parse_tubes
from mmevad.utils import DataError
from mmevad.utils.safe_pickle import safe_pickle_loads
from .tube_files import content, save


@pytest.mark.parametrize('dtype', [np.float32, np.int16, '>f8'])
@pytest.mark.parametrize('name', ['t.pkl', 't.json', 't.pkl.xz', 't.json.xz'])
def test_all_forms_read_alike(tmp_path, name, dtype):
    tubes = load_tubes(save(tmp_path / name, content(dtype)))
    expected = content()
    for key in ('labels', 'nframes', 'train_videos', 'resolution'):
        assert getattr(tubes, key) == expected[key]
    for video, by_label in expected['gttubes'].items():
        assert list(tubes.gttubes[video]) == list(by_label)
        for label, many in by_label.items():
            for ours, theirs in zip(tubes.gttubes[video][label], many):
                assert ours.dtype == np.float32
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize('protocol', range(6))
def test_safe_pickle_equals_pickle(protocol):
    data = OrderedDict(
        c_order=np.arange(6.).reshape(2, 3),
        f_order=np.asfortranarray(np.arange(6).reshape(2, 3)),
        scalar=np.float64(0.1),
        text=np.str_('clip'),
        names=np.array(['a', 'bcd']),
        empty=np.zeros((0, 5), np.float32),
        plain=[1, (2., None), {True}, b'\xff\x00', {
            'k': 'v'
        }])
    found = safe_pickle_loads(pickle.dumps(data, protocol), 'x')
    assert list(found) == list(data)
    for key in data:
        if isinstance(data[key], np.ndarray):
            np.testing.assert_array_equal(found[key], data[key])
            assert found[key].dtype == data[key].dtype
        else:
            assert found[key] == data[key]
    assert type(found['scalar']) is float and type(found['text']) is str


def test_python2_pickle():
    # numpy.array([1, 258, 255], '<i2'), as Python 2 wrote it: its bytes are
    # a str, which only latin1 gives back.
    raw = (b'\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n'
           b'K\x00\x85U\x01b\x87R(K\x01K\x03\x85cnumpy\ndtype\nU\x02i2K\x00'
           b'K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK'
           b'\x00tb\x89U\x06\x01\x00\x02\x01\xff\x00tb.')
    np.testing.assert_array_equal(safe_pickle_loads(raw, 'x'), [1, 258, 255])


class Hostile:

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


@pytest.mark.parametrize('protocol', [0, 2, 4])
@pytest.mark.parametrize('call, name', [
    (os.system, f'{os.name}.system'),
    (eval, 'eval'),
    (getattr, 'getattr'),
    (np.load, 'numpy.load'),
    (io.open, 'open'),
])
def test_hostile_pickle_is_refused_and_not_run(tmp_path, protocol, call, name):
    victim = tmp_path / 'victim'
    path = tmp_path / 't.pkl'
    data = dict(content(), x=Hostile(call, f'touch {victim}'))
    path.write_bytes(pickle.dumps(data, protocol))
    with pytest.raises(DataError) as caught:
        load_tubes(str(path))
    message = str(caught.value)
    assert message.startswith(f'{path} was refused: it asks for ')
    assert f'{name};' in message.replace(np.load.__module__, 'numpy')
    assert not victim.exists()


@pytest.mark.parametrize('bad, message', [
    (np.array([{}, 1], object), "numpy.dtype('O8') is not a plain"),
    (np.zeros(2, [('a', 'i4')]), "numpy.dtype('V4') is not a plain"),
    (np.zeros(2, 'M8[s]'), "numpy.dtype('M8') is not a plain"),
    (np.dtype('f4'), 'a class or dtype where data was expected'),
    (np.ndarray, 'a class or dtype where data was expected'),
])
def test_pickled_objects_in_arrays_are_refused(bad, message):
    with pytest.raises(DataError, match='x was refused: ') as caught:
        safe_pickle_loads(pickle.dumps([bad], 2), 'x')
    assert message in str(caught.value)


@pytest.mark.parametrize(
    'raw',
    [
        b'',
        b'no pickle',
        pickle.dumps(content(), 2)[:-50],
        # an array of 9 numbers with the bytes of 6
        pickle.dumps(np.arange(6, dtype='i2'), 2).replace(b'K\x06', b'K\x09'),
        # BUILD on a class, to change it
        b'\x80\x02cnumpy\nndarray\n}U\x01aK\x01sb.',
        b'\x80\x02c_codecs\nencode\n}U\x01aK\x01sb.',
    ])
def test_broken_pickle(raw):
    with pytest.raises(DataError, match='^x (is not a readable|was refused)'):
        safe_pickle_loads(raw, 'x')


def test_shared_content_is_built_once():
    row = np.arange(9.)
    found = safe_pickle_loads(pickle.dumps([[row, 'a']] * 10, 2), 'x')
    assert len(found) == 10 and all(x is found[0] for x in found)


def test_content_that_unfolds_without_end_is_refused():
    data = []
    for _ in range(100):
        data = [data, data]
    with pytest.raises(DataError, match='share so much'):
        safe_pickle_loads(pickle.dumps(data, 2), 'x')


@pytest.mark.parametrize('change, message', [
    (lambda d: d.pop('labels') and d.pop('nframes'),
     'x is not a tube file: it lacks labels, nframes.'),
    (lambda d: d['nframes'].pop('run/b'),
     "x: video 'run/b' has no nframes or no resolution."),
    (lambda d: d['nframes'].update({'run/b': 5}),
     "x: tube 1 of class 1 in video 'run/b' covers frames 3 to 6 of a video "
     'with frames 1 to 5.'),
    (lambda d: d['labels'].pop(),
     "x: video 'run/b' has tubes of class 1, but there are 1 labels.\n"
     "x: video 'run/c' has tubes of class 1, but there are 1 labels."),
    (lambda d: d['test_videos'][0].append('run/d'),
     "x: video 'run/d' of a split has no gttubes."),
    (lambda d: d['gttubes'].update({'run/c': {}}),
     "x: video 'run/c' has no tubes."),
    (lambda d: d['gttubes'].update({'run/c': {1: [np.zeros((3, 4))]}}),
     "x: tube 0 of class 1 in video 'run/c' has the shape (3, 4) instead of "
     '(N, 5) with N >= 1.'),
    (lambda d: d['gttubes'].update({'run/c': {1: [[[1, 5, 5, 5, 9]]]}}),
     "x: tube 0 of class 1 in video 'run/c' has an empty box [5.0, 5.0, 5.0, "
     '9.0] at frame 1 (boxes are x1, y1, x2, y2).'),
    (lambda d: d['gttubes'].update({'run/c': {1: [[[1, 0, 0, np.nan, 9]]]}}),
     "x: tube 0 of class 1 in video 'run/c' holds a number that is not "
     'finite.'),
    (lambda d: d['gttubes'].update(
        {'run/c': {1: [[[2, 0, 0, 9, 9], [2, 0, 0, 9, 9]]]}}),
     "x: tube 0 of class 1 in video 'run/c' has frame numbers that are not "
     'whole and increasing.'),
])  # yapf: disable
def test_wrong_tubes(change, message):
    data = content()
    change(data)
    with pytest.raises(DataError) as caught:
        parse_tubes(data, 'x')
    assert str(caught.value) == message


@pytest.mark.parametrize('name, raw, message', [
    ('t.pkl', None, 'does not exist; give the tube file.'),
    ('t.mat', b'', 'has an unknown ending; a tube file ends in .pkl, .json, '
     '.pkl.xz or .json.xz.'),
    ('t.json', b'{', 'is no valid JSON (Expecting property name'),
    ('t.json', b'[]', 'is not a tube file: it lacks labels, gttubes, nframes'),
    ('t.pkl.xz', b'no xz', 'is not a readable .xz file (Input format not'),
    ('t.pkl', pickle.dumps(dict(content(), gttubes=[1]), 2),
     'does not have the form of a tube file: gttubes is list'),
])
def test_wrong_files(tmp_path, name, raw, message):
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load_tubes(str(path))
    text = str(caught.value).replace(f'{path}: ', f'{path} ', 1)
    assert text.startswith(f'{path} {message}')


def test_keyframes_show_everybody():
    tubes = parse_tubes(content(), 'x')
    a, b1, b2 = ((.125, 1 / 3, .375, 2 / 3), (0, 0, 1, 1), (.5, .5, 1, 1))
    # The box of b2 is 90 wide in a frame of 80: clipped. Frames 1 to 6 of
    # run/b are annotated; every second is 1, 3, 5, with both people on 3.
    assert tubes_to_keyframes(tubes, 2, ['run/b', 'jump/a']) == [
        ('run/b', 1, b1, 2, 0),
        ('run/b', 3, b1, 2, 0),
        ('run/b', 3, b2, 2, 1),
        ('run/b', 5, b2, 2, 1),
        ('jump/a', 2, a, 1, 0),
        ('jump/a', 4, a, 1, 0),
    ]
    assert len(tubes_to_keyframes(tubes)) == 4 + 7 + 1
    with pytest.raises(DataError, match="no video 'nobody'"):
        tubes_to_keyframes(tubes, videos=['nobody'])
    with pytest.raises(ValueError, match='at least 1, not 0'):
        tubes_to_keyframes(tubes, 0)


def test_box_outside_its_frame():
    data = content()
    data['gttubes']['run/c'] = {1: [[[1, 80, 0, 90, 9]]]}
    with pytest.raises(DataError) as caught:
        tubes_to_keyframes(parse_tubes(data, 'x'))
    assert str(caught.value) == (
        "The box [80.0, 0.0, 90.0, 9.0] of video 'run/c', frame 1, lies "
        'outside the 80 x 60 pixels of its resolution.')
