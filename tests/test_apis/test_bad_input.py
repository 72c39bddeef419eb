# Copyright (c) mmevad authors. All rights reserved.
"""What is wrong with the input, and the sentence that the demos say of it.

``pytest tests/test_apis/test_bad_input.py -s`` prints the table.
"""
import importlib.util
import json
import os.path as osp
import subprocess
import sys

import pytest

from .bad_files import write_all
from .small import ROOT

# demo (both if it is None), input, options, what the sentence says
BOTH = [
    ('missing file', 'none.mp4', [], 'The video .*none.mp4 does not exist'),
    ('0 bytes', 'zero.mp4', [], r'zero.mp4 is empty \(0 bytes\); get it'),
    ('no video', 'text.mp4', [], 'text.mp4 cannot be read as a video'),
    ('cut off', 'cut.mp4', [], 'cut.mp4 cannot be read as a video'),
    ('corrupt video', 'holes.mp4', [],
     'holes.mp4 is damaged: of the 30 frames that its header states'),
    ('audio only', 'sound.wav', [], 'sound.wav cannot be read as a video'),
    ('an image', 'image.png', [], 'image.png is an image, not a video'),
    ('1x1 pixels', 'tiny', [], 'tiny are 1x1 pixels; both .* at least 16'),
    ('frames of two sizes', 'sizes', [],
     'img_9.png is 128x50, but the first frame is 128x96'),
    ('a damaged frame', 'hurt', [], 'img_5.png cannot be read; extract'),
    ('empty folder', 'empty', [], 'empty holds none of images, videos'),
    ('unknown class', 'clip.mp4', ['--classes', 'Bikinq', 'sot'],
     "has no class 'Bikinq'; (the closest are Biking|it has run, sit, eat)"),
    ('no such camera', '97', [], 'The camera 97 gives no frames'),
    ('no checkpoint', 'clip.mp4', ['--weights', '{}/no.pth'],
     'no.pth: there is no such file'),
    ('0 bytes of checkpoint', 'clip.mp4', ['--weights', '{}/zero.pth'],
     'zero.pth: the file of 0 bytes is incomplete'),
    ('no config', 'clip.mp4', ['--config', '{}/no.py'],
     'The config .*no.py does not exist'),
    ('config is no Python', 'clip.mp4', ['--config', '{}/broken.py'],
     r'broken.py cannot be read \(SyntaxError'),
    ('config without model', 'clip.mp4', ['--config', '{}/empty.py'],
     'The config needs model and test_dataloader'),
    ('config of an unknown model', 'clip.mp4', ['--config', '{}/unknown.py'],
     r'model Nope of the config cannot be built \(KeyError: Nope is not in'),
    ('results into a file', 'clip.mp4', ['--out-dir', '{}/zero.mp4'],
     'written to the folder .*: .*zero.mp4 is a file; choose another'),
    ('results below a file', 'clip.mp4', ['--out-dir', '{}/zero.mp4/out'],
     'written to the folder .*: .*zero.mp4 is a file; choose another'),
    ('unknown device', 'clip.mp4', ['--device',
                                    'gpu'], "device 'gpu' cannot be used"),
]
EVAD = [
    ('weights of another model', 'clip.mp4', ['--weights', '{}/tal.pth'],
     'tal.pth is not a checkpoint of the model EVAD in this config'),
    ('weights are NaN', 'clip.mp4', ['--weights', '{}/evad_nan.pth'],
     'evad_nan.pth is of no use: .* is NaN or infinite; its training'),
    ('features, not a video', 'wide.npy', [], 'cannot be read as a video'),
    ('keyframes never', 'clip.mp4', ['--every', '0'],
     'every must be a number of frames, at least 1'),
    ('empty label map', 'clip.mp4', ['--label-map', '{}/zero.mp4'],
     'The label file .*zero.mp4 has'),
]
TAL = [
    ('weights of another model', 'clip.mp4', ['--weights', '{}/evad.pth'],
     'evad.pth is not a checkpoint of the model ActionFormer in this config'),
    ('weights are NaN', 'clip.mp4', ['--weights', '{}/tal_nan.pth'],
     'tal_nan.pth is of no use: .* is NaN or infinite; its training'),
    ('shorter than a clip', 'short', [],
     'short has 5 frames, but a clip of 4 frames .* takes 12; use a longer'),
    ('features of wrong width', 'wide.npy', ['--fps', '9'],
     'wide.npy gives features of 7 channels, but the model takes 32'),
    ('features with NaN', 'nan.npy', ['--fps', '9'], 'nan.npy has NaN'),
    ('features of one dimension', 'flat.npy', ['--fps', '9'],
     r'flat.npy holds \(32,\) values'),
    ('no features', 'none.npy', ['--fps',
                                 '9'], r'none.npy holds \(0, 32\) values'),
    ('features are words', 'words.npy', ['--fps', '9'], 'words.npy holds'),
    ('features are objects', 'object.npy', ['--fps',
                                            '9'], 'object.npy cannot be read'),
    ('0 bytes of features', 'zero.npy', ['--fps',
                                         '9'], 'zero.npy cannot be read'),
    ('no .npy', 'junk.npy', ['--fps', '9'], 'junk.npy cannot be read'),
    ('no .pt', 'junk.pt', ['--fps', '9'], 'junk.pt cannot be read'),
    ('no HDF5', 'junk.h5', ['--fps', '9'], 'junk.h5 cannot be read'),
    ('frame rate unknown', 'good.npy', [],
     'frame rate of the video of .*good.npy is unknown; give fps'),
    ('empty class file', 'clip.mp4', ['--class-file', '{}/zero.mp4'],
     'The class file .*zero.mp4 has 0 names, but the model has 3 classes'),
]
TABLE = [(kind, *row)
         for kind, rows in (('evad', BOTH + EVAD), ('tal', BOTH + TAL))
         for row in rows]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp('bad'))


def script(kind):
    return osp.join(ROOT, 'demo', f'{kind}_demo.py')


def load(kind):
    spec = importlib.util.spec_from_file_location(kind, script(kind))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DEMOS = {kind: load(kind) for kind in ('evad', 'tal')}


def arguments(root, kind, name, options, out):
    """A whole command line; what the options say comes last and counts."""
    own = dict(
        evad=['--config', f'{root}/evad.py', '--weights', f'{root}/evad.pth'],
        tal=[
            '--config', f'{root}/tal.py', '--weights', f'{root}/tal.pth',
            '--feature-config', f'{root}/slow.py', '--feature-weights',
            f'{root}/slow.pth'
        ])[kind]
    source = name if name.isdigit() else f'{root}/{name}'
    return [
        source, *own, '--out-dir',
        str(out), *(x.format(root) for x in options)
    ]


@pytest.mark.parametrize('kind, what, name, options, message', TABLE)
def test_one_sentence(root, tmp_path, kind, what, name, options, message):
    out = tmp_path / 'out'
    with pytest.raises(SystemExit, match=f'^error: .*{message}') as error:
        DEMOS[kind].main(arguments(root, kind, name, options, out))
    said = error.value.code
    # a text is written to stderr, with exit code 1
    assert isinstance(said, str) and '\n' not in said
    assert not out.exists()
    print(f'| {kind} | {what} | {said} |'.replace(f'{root}/', ''))


@pytest.mark.parametrize('kind, name, written', [
    ('evad', 'portrait', 'portrait.json'),
    ('evad', 'short', 'short.json'),
    ('tal', 'portrait', 'portrait_segments.json'),
])
def test_unusual_but_good(root, tmp_path, kind, name, written):
    """A portrait video; for EVAD a short one, whose ends are repeated."""
    DEMOS[kind].main(arguments(root, kind, name, [], tmp_path))
    content = json.loads((tmp_path / written).read_text())
    assert content['video'] == name


@pytest.mark.parametrize('kind', DEMOS)
def test_a_write_protected_folder(root, tmp_path, kind, monkeypatch):
    monkeypatch.setattr('os.access', lambda path, mode: False)
    args = arguments(root, kind, 'clip.mp4', [], tmp_path / 'a/b')
    with pytest.raises(
            SystemExit, match=f'{tmp_path} is write-protected; choose'):
        DEMOS[kind].main(args)
    monkeypatch.undo()

    def refuse(path, exist_ok=False):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mmevad.apis.windows.os.makedirs', refuse)
    with pytest.raises(
            SystemExit, match=r'a/b \(No space left on device\); choose'):
        DEMOS[kind].main(args)


def from_the_shell(root, out, kind, *debug):
    """Exit code, stdout and stderr of a process of its own."""
    args = arguments(root, kind, 'zero.mp4', debug, out)
    done = subprocess.run([sys.executable, script(kind), *args],
                          capture_output=True,
                          text=True,
                          cwd=ROOT)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    'kind', ['tal', pytest.param('evad', marks=pytest.mark.slow)])
def test_from_the_shell(root, tmp_path, kind):
    code, output, errors = from_the_shell(root, tmp_path / 'out', kind)
    assert code == 1
    assert 'Traceback' not in errors + output
    assert errors.splitlines()[-1] == (
        f'error: The video {root}/zero.mp4 is empty (0 bytes); get it again.')


@pytest.mark.slow
@pytest.mark.parametrize('kind', DEMOS)
def test_debug_shows_where(root, tmp_path, kind):
    code, _, errors = from_the_shell(root, tmp_path / 'out', kind, '--debug')
    assert code == 1
    assert 'Traceback' in errors and 'in open_video' in errors
    assert errors.splitlines()[-1].startswith(
        'mmevad.utils.errors.DataError: ')
