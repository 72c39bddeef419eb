# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from mmevad.apis import ClipFeatureExtractor
from mmevad.datasets import SegmentDataset
from ..test_apis.recognizers import SLOWONLY, make_config, write_weights
from ..test_apis.small import FPS, frames, write_folder, write_video

path = Path(__file__).parents[2] / 'tools/misc/extract_clip_features.py'
spec = importlib.util.spec_from_file_location('extract_clip_features', path)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp('extract')
    cfg = make_config(SLOWONLY)
    cfg.dump(str(root / 'config.py'))
    write_weights(root / 'a.pth', cfg)
    write_video(root / 'a.mp4', frames())
    write_video(root / 'b.mp4', frames()[:20])
    write_video(root / 'short.mp4', frames()[:11])
    write_folder(root / 'c', frames()[::-1])
    (root / 'broken.mp4').write_bytes(b'no video')
    return root


@pytest.fixture
def run(made, tmp_path):

    def run(*videos, options=(), stride=4):
        tool.main([
            str(made / 'config.py'),
            str(made / 'a.pth'), *(str(made / video) for video in videos),
            '--out',
            str(tmp_path), '--feat-stride',
            str(stride), *options
        ])

    return run


def written(folder):
    return sorted(p.name for p in folder.iterdir())


def test_features_and_how_they_were_made(made, run, tmp_path, capsys):
    run('a.mp4', 'c', options=['--fps', '10', '--batch-size', '3'])
    assert written(tmp_path) == ['a.json', 'a.npy', 'c.json', 'c.npy']
    extractor = ClipFeatureExtractor(
        str(made / 'config.py'), str(made / 'a.pth'), 4)
    expected = extractor(str(made / 'a.mp4'))
    found = np.load(tmp_path / 'a.npy')
    assert found.dtype == np.float32 and found.shape == (5, 32)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    record = json.loads((tmp_path / 'c.json').read_text())
    assert record == dict(
        video='c',
        fps=10.,
        total_frames=30,
        feat_shape=[5, 32],
        config='config.py',
        checkpoint='a.pth',
        settings=extractor.settings)
    assert extractor.settings['num_frames'] == 12
    assert 'feat_stride=4, num_frames=12' in capsys.readouterr().out


def test_what_is_done_is_skipped_and_what_was_cut_off_is_not(
        run, tmp_path, capsys):
    run('a.mp4', 'b.mp4')
    (tmp_path / 'b.npy').unlink()  # stopped between the two files
    stamp = (tmp_path / 'a.npy').stat().st_mtime_ns
    run('a.mp4', 'b.mp4')
    assert '1 of 2 videos have features' in capsys.readouterr().out
    assert (tmp_path / 'a.npy').stat().st_mtime_ns == stamp
    assert np.load(tmp_path / 'b.npy').shape == (3, 32)


def test_other_settings_are_refused_before_anything_is_done(run, tmp_path):
    run('a.mp4')
    with pytest.raises(
            SystemExit,
            match='a.npy was made with other settings '
            r'\(feat_stride is 4 there and 2 here\)'):
        run('b.mp4', 'a.mp4', stride=2)
    with pytest.raises(SystemExit, match="pool is 'mean' there and 'max'"):
        run('a.mp4', options=['--pool', 'max'])
    assert written(tmp_path) == ['a.json', 'a.npy']
    (tmp_path / 'a.json').unlink()
    with pytest.raises(SystemExit, match='a.npy has no a.json'):
        run('a.mp4')


def test_bad_videos_are_reported_and_good_ones_done(run, tmp_path):
    with pytest.raises(SystemExit) as caught:
        run('broken.mp4', 'none.mp4', 'short.mp4', 'a.mp4')
    lines = str(caught.value).split('\n')
    assert len(lines) == 3
    assert 'broken.mp4 cannot be read as a video' in lines[0]
    assert 'none.mp4 does not exist' in lines[1]
    assert 'short.mp4 has 11 frames' in lines[2]
    assert written(tmp_path) == ['a.json', 'a.npy']


@pytest.mark.parametrize('videos, options, message', [
    (['c'], [], 'c is a folder, whose frame rate is unknown; give --fps'),
    (['a.mp4', 'a.mp4'], [], 'would both be written to a.npy'),
    (['a.mp4'], ['--layer', 'x'], "no layer 'x'; the model has "),
    (['a.mp4'], ['--layer', 'actions'], "no layer 'actions'"),
    (['a.mp4'], ['--pool', 'sum'], "the pooling 'sum' is none of"),
])
def test_bad_arguments_are_named(run, tmp_path, videos, options, message):
    with pytest.raises(SystemExit, match=message):
        run(*videos, options=options)
    assert not written(tmp_path)


def annotate(path, **videos):
    entries = {
        name:
        dict(
            subset='training',
            annotations=[dict(segment=[.5, 1.5], label='x', label_id=0)],
            **info)
        for name, info in videos.items()
    }
    path.write_text(json.dumps(dict(database=entries, version=1)))


def test_annotations_are_completed(made, run, tmp_path):
    source, target = tmp_path / 'in.json', tmp_path / 'sub' / 'out.json'
    annotate(source, a=dict(fps=12.5, duration=2.5), b={}, other={})
    run('a.mp4',
        'b.mp4',
        'c',
        options=['--fps', '12.5', '--ann-file',
                 str(source),
                 str(target)])
    content = json.loads(target.read_text())
    assert content['version'] == 1 and set(content['database']) == {'a', 'b'}
    assert content['database']['a']['duration'] == 2.5
    assert content['database']['b']['fps'] == FPS
    assert content['database']['b']['duration'] == 20 / FPS
    dataset = SegmentDataset(
        str(target), 4, 12, data_prefix=dict(feat=str(tmp_path)))
    assert len(dataset) == 2
    assert not dataset.check()


def test_wrong_annotations_are_named(run, tmp_path):
    source = tmp_path / 'in.json'
    options = ['--ann-file', str(source), str(tmp_path / 'out.json')]
    annotate(source, a=dict(fps=25.))
    with pytest.raises(
            SystemExit,
            match='video a: "fps" is 25, but the '
            'video was read at 12.5'):
        run('a.mp4', options=options)
    annotate(source, d={})
    with pytest.raises(
            SystemExit,
            match='none of the 1 videos; it has names '
            "such as .'d'."):
        run('a.mp4', options=options)
    assert not (tmp_path / 'out.json').exists()
