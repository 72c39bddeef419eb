# Copyright (c) mmevad authors. All rights reserved.
"""demo/tal_demo.py, and options of both demos.

What they say about bad input is in test_bad_input.py.
"""
import importlib.util
import json
import os.path as osp

import pytest

from .recognizers import SLOWONLY, make_config, write_weights
from .small import CONFIG, ROOT, frames, write_checkpoint, write_video
from .tal import CLASSES, make_tal_config, write_tal_weights


def load(name):
    path = osp.join(ROOT, 'demo', f'{name}.py')
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('tal_demo')
    make_tal_config().dump(str(root / 'tal.py'))
    write_tal_weights(root / 'tal.pth', make_tal_config())
    make_config(SLOWONLY).dump(str(root / 'slow.py'))
    write_weights(root / 'slow.pth', make_config(SLOWONLY))
    write_checkpoint(root / 'evad.pth')
    write_video(root / 'clip.mp4', frames())
    (root / 'zero.mp4').write_bytes(b'')
    return root


def tal(root, *inputs):
    return [
        *(str(root / x) for x in inputs), '--config',
        str(root / 'tal.py'), '--weights',
        str(root / 'tal.pth'), '--feature-config',
        str(root / 'slow.py'), '--feature-weights',
        str(root / 'slow.pth')
    ]


def evad(root, *inputs):
    return [
        *(str(root / x) for x in inputs), '--config', CONFIG, '--weights',
        str(root / 'evad.pth')
    ]


DEMOS = dict(tal=(load('tal_demo'), tal), evad=(load('evad_demo'), evad))


def run(root, tmp_path, kind, *inputs, options=()):
    demo, arguments = DEMOS[kind]
    demo.main(
        arguments(root, *inputs) +
        ['--out-dir', str(tmp_path), *options])


def test_segments_of_a_video(root, tmp_path, capsys):
    run(root, tmp_path, 'tal', 'clip.mp4', options=['--top-k', '4'])
    content = json.loads((tmp_path / 'clip_segments.json').read_text())
    assert content['duration'] == 2.4 and len(content['segments']) == 4
    assert (tmp_path / 'clip_timeline.png').is_file()
    lines = capsys.readouterr().out.splitlines()
    assert 'clip' in lines
    assert f'Wrote {tmp_path}/clip_segments.json, ' in ' '.join(lines)
    run(root,
        tmp_path,
        'tal',
        'clip.mp4',
        options=['--classes', CLASSES[1], '--score-thr', '1'])
    assert 'No segment reached the score of 1;' in capsys.readouterr().out


def test_one_bad_input_stops_no_other(root, tmp_path):
    with pytest.raises(SystemExit) as error:
        run(root, tmp_path, 'tal', 'zero.mp4', 'clip.mp4', 'none.mp4')
    first, second = str(error.value).splitlines()
    assert 'zero.mp4 is empty' in first and 'none.mp4 does not' in second
    assert (tmp_path / 'clip_segments.json').is_file()


@pytest.mark.parametrize('name, options, message', [
    ('clip.mp4', ['--feat-stride', '3'], 'the extractor have feat_stride=3'),
    ('clip.mp4', ['--layer', 'no'], "no layer 'no'"),
])
def test_bad_use_is_one_sentence(root, tmp_path, name, options, message):
    with pytest.raises(SystemExit, match=f'^error: .*{message}') as error:
        run(root, tmp_path, 'tal', name, options=options)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('kind', DEMOS)
def test_debug_raises_the_error_itself(root, tmp_path, kind):
    with pytest.raises(ValueError, match='none.mp4 does not exist'):
        run(root, tmp_path, kind, 'none.mp4', options=['--debug'])


def test_a_number_is_a_camera(root, tmp_path, monkeypatch):
    monkeypatch.setattr('mmevad.apis.inputs.record_camera', lambda *args:
                        (_ for _ in ()).throw(OSError(args)))
    with pytest.raises(SystemExit, match=r'error: \(7, 2.5, '):
        DEMOS['evad'][0].main(['7', *evad(root), '--camera-seconds', '2.5'])


def test_unknown_models_and_missing_weights(root, tmp_path):
    demo = DEMOS['tal'][0]
    video = str(root / 'clip.mp4')
    with pytest.raises(SystemExit, match='closest names in the zoo are actio'):
        demo.main([video, '--config', 'actionformer_i3d_thumos14'])
    name = 'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature'
    with pytest.raises(SystemExit, match=f'zoo has no weights of {name}'):
        demo.main([video, '--config', name])
