# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import io
import json
import lzma
import os
import os.path as osp
import pickle
from collections import OrderedDict

import cv2
import numpy as np
import pytest
from mmaction.evaluation import read_labelmap

from mmevad.datasets.tubes import load_tubes, parse_tubes, tubes_to_keyframes
from mmevad.utils import DataError
from mmevad.utils.safe_pickle import safe_pickle_loads

TOOL = osp.join(
    osp.dirname(__file__), '../../tools/data/ucf101_24/tubes_to_ava.py')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('tubes_to_ava', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def content(dtype=np.float32):
    """Two classes, three videos; 'run/b' has two people who overlap."""

    def tube(first, last, *box):
        return np.array([[i, *box] for i in range(first, last + 1)], dtype)

    return dict(
        labels=['jump', 'run'],
        gttubes={
            'jump/a': {
                0: [tube(2, 5, 10, 20, 30, 40)]
            },
            'run/b': {
                1: [tube(1, 3, 0, 0, 80, 60),
                    tube(3, 6, 40, 30, 90, 60)]
            },
            'run/c': {
                1: [tube(1, 1, 8, 6, 16, 12)]
            },
        },
        nframes={
            'jump/a': 8,
            'run/b': 6,
            'run/c': 5
        },
        train_videos=[['jump/a', 'run/b']],
        test_videos=[['run/c']],
        resolution={
            'jump/a': (60, 80),
            'run/b': (60, 80),
            'run/c': (60, 80)
        })


def to_json(data):
    return json.dumps(data, default=lambda array: array.tolist()).encode()


def save(path, data):
    """Write tubes in the form that the file's name tells."""
    raw = to_json(data) if '.json' in path.name else pickle.dumps(data, 2)
    path.write_bytes(lzma.compress(raw) if path.suffix == '.xz' else raw)
    return str(path)


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


def test_shared_content_is_walked_once():
    data = []
    for _ in range(100):
        data = [data, data]
    found = safe_pickle_loads(pickle.dumps(data, 2), 'x')
    assert found[0] is found[1]


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
    ('t.json', b'{', 'is not readable JSON (Expecting property name'),
    ('t.json', b'[]', 'is not a tube file: it lacks labels, gttubes, nframes'),
    ('t.pkl.xz', b'no xz', 'is not a readable .xz file (Input format not'),
    ('t.pkl', pickle.dumps(dict(content(), gttubes=[1]),
                           2), 'does not have the form of a tube file ('),
])
def test_wrong_files(tmp_path, name, raw, message):
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load_tubes(str(path))
    text = str(caught.value).replace(f'{path}: ', f'{path} ')
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
    with pytest.raises(DataError, match='at least 1, not 0'):
        tubes_to_keyframes(tubes, 0)


def test_box_outside_its_frame():
    data = content()
    data['gttubes']['run/c'] = {1: [[[1, 80, 0, 90, 9]]]}
    with pytest.raises(DataError) as caught:
        tubes_to_keyframes(parse_tubes(data, 'x'))
    assert str(caught.value) == (
        "The box [80.0, 0.0, 90.0, 9.0] of video 'run/c', frame 1, lies "
        'outside the 80 x 60 pixels of its resolution.')


def make_clip(path, num_frames):
    os.makedirs(osp.dirname(path), exist_ok=True)
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10,
                             (160, 120))
    for i in range(1, num_frames + 1):
        writer.write(np.full((120, 160, 3), 20 * i, np.uint8))
    writer.release()


@pytest.fixture
def source(tmp_path):
    """A tube file and its clips, one of them in no class folder."""
    make_clip(str(tmp_path / 'clips/jump/a.avi'), 8)
    make_clip(str(tmp_path / 'clips/run/b.avi'), 6)
    make_clip(str(tmp_path / 'clips/c.avi'), 5)
    return [
        save(tmp_path / 't.pkl', content()), '--videos',
        str(tmp_path / 'clips'), '--out',
        str(tmp_path / 'out/new')
    ]


def test_tool_writes_a_dataset(tmp_path, source, tool, capsys):
    tool.main(source + [
        '--every', '2', '--extract-frames', '--frame-size', '40x30',
        '--subset', 'train', 'test'
    ])
    out = tmp_path / 'out/new'
    assert (out / 'ava_train.csv').read_text().splitlines() == [
        'jump/a,2,0.125000,0.333333,0.375000,0.666667,1,0',
        'jump/a,4,0.125000,0.333333,0.375000,0.666667,1,0',
        'run/b,1,0.000000,0.000000,1.000000,1.000000,2,0',
        'run/b,3,0.000000,0.000000,1.000000,1.000000,2,0',
        'run/b,3,0.500000,0.500000,1.000000,1.000000,2,1',
        'run/b,5,0.500000,0.500000,1.000000,1.000000,2,1',
    ]
    assert (out / 'ava_test.csv').read_text().splitlines() == [
        'run/c,1,0.100000,0.100000,0.200000,0.200000,2,0'
    ]
    with open(out / 'label_map.pbtxt') as file:
        names, ids = read_labelmap(file)
    assert ids == {1, 2}
    assert names == [dict(id=1, name='jump'), dict(id=2, name='run')]
    for video, count in content()['nframes'].items():
        folder = out / 'frames' / video
        assert sorted(os.listdir(folder)) == [
            f'img_{i:05}.jpg' for i in range(1, count + 1)
        ]
        images = [
            cv2.imread(str(folder / name))
            for name in sorted(os.listdir(folder))
        ]
        assert {image.shape for image in images} == {(30, 40, 3)}
        np.testing.assert_allclose([image.mean() for image in images],
                                   20 * np.arange(1, count + 1),
                                   atol=3)
    assert os.listdir(tmp_path / 'out') == ['new']
    printed = capsys.readouterr().out
    assert 'train: 2 videos, 5 keyframes, 6 boxes\n' in printed
    assert '2 classes: num_classes=3. Dataset arguments: fps=1' in printed


def test_tool_output_loads(tmp_path, source, tool):
    from mmevad.datasets import CheckedAVADataset
    tool.main(source + [
        '--subset', 'test', '--classes', 'present', '--every', '1',
        '--extract-frames'
    ])
    out = tmp_path / 'out/new'
    dataset = CheckedAVADataset(
        str(out / 'ava_test.csv'), [],
        label_file=str(out / 'label_map.pbtxt'),
        data_prefix=dict(img=str(out / 'frames')),
        num_classes=2,
        fps=1,
        timestamp_start=0,
        start_index=0)
    assert dataset[0]['shot_info'] == (1, 6)
    assert dataset[0]['gt_labels'].tolist() == [[0, 1]]  # 'run' became 1


def test_tool_leaves_what_is_there(tmp_path, source, tool):
    out = tmp_path / 'out/new'
    tool.main(source)
    before = (out / 'ava_train.csv').read_text()
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--every', '1'])
    assert str(caught.value) == (f'{out} exists; choose another --out, or '
                                 'replace it with --overwrite.')
    assert (out / 'ava_train.csv').read_text() == before
    # A run that fails leaves neither a folder nor a loss.
    os.remove(tmp_path / 'clips/run/b.avi')
    make_clip(str(tmp_path / 'clips/run/b.avi'), 5)
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--overwrite', '--extract-frames'])
    assert str(caught.value) == (
        f'{tmp_path}/clips/run/b.avi has 5 readable frames, but the tube '
        'file counts 6; get the clip anew.')
    assert (out / 'ava_train.csv').read_text() == before
    assert os.listdir(tmp_path / 'out') == ['new']
    tool.main(source + ['--overwrite', '--every', '1', '--subset', 'all'])
    assert sorted(os.listdir(out)) == ['ava_all.csv', 'label_map.pbtxt']
    (out / 'mine.txt').write_text('')
    with pytest.raises(DataError, match='was not written by this tool alone'):
        tool.main(source + ['--overwrite'])


def test_tool_names_missing_videos(tmp_path, source, tool):
    os.remove(tmp_path / 'clips/c.avi')
    tool.main(source + ['--subset', 'train'])
    with pytest.raises(DataError) as caught:
        tool.main(source + ['--overwrite'])
    assert str(caught.value) == (
        f'1 of 3 videos are not under {tmp_path}/clips as <video>.avi, .mp4, '
        '.mkv or .webm, for example run/c; complete the folder or choose '
        'another --subset.')
    with pytest.raises(DataError, match='no train videos for split 2'):
        tool.main(source + ['--overwrite', '--split', '2'])


@pytest.mark.parametrize('arguments', [
    ['--every', '0'],
    ['--frame-size', '10x10'],
    ['--extract-frames', '--frame-size', '10'],
    ['--extract-frames', '--frame-size', '0x10'],
])
def test_tool_refuses_arguments(source, tool, arguments):
    with pytest.raises(SystemExit):
        tool.main(source + arguments)
