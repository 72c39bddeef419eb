# Copyright (c) mmevad authors. All rights reserved.
"""Stages of a training step: all are there, and their times add up."""
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
ACTIONFORMER = ('actionformer/'
                'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py')
STAGES = [
    'decode', 'augment', 'pack', 'copy', 'prepare', 'forward', 'backward',
    'optimiser'
]
spec = importlib.util.spec_from_file_location('benchmark',
                                              ROOT / 'tools/benchmark.py')
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


@pytest.fixture(autouse=True)
def search_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))


def check(rows, lines):
    assert [row['stage'] for row in rows] == STAGES
    total = sum(row['seconds'] for row in rows)
    for row, line in zip(rows, lines[1:]):
        assert row['seconds'] > 0
        assert row['share'] == pytest.approx(row['seconds'] / total)
        assert line.split()[0] == row['stage']
        assert line.split()[1] == f'{row["seconds"] * 1e3:.2f}'
    assert lines[9].startswith('step') and f'{total * 1e3:.2f}' in lines[9]


@pytest.mark.parametrize('videos', [False, True])
def test_clips(tmp_path, capsys, videos):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 64, 80, 3), np.uint8)
    if videos:
        writer = cv2.VideoWriter(
            str(tmp_path / 'v.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 25,
            (80, 64))
        for image in images:
            writer.write(image)
        writer.release()
    else:
        (tmp_path / 'v').mkdir()
        for i, image in enumerate(images):
            cv2.imwrite(str(tmp_path / 'v' / f'frame{i + 1:04}.jpg'), image)
    rows = benchmark.main([
        'data', '--data',
        str(tmp_path), '--batch', '2', '--repeats', '1', '--cpu-time'
    ])
    check(rows, capsys.readouterr().out.splitlines())


def test_features(tmp_path, capsys):
    base = ROOT / 'configs' / ACTIONFORMER
    config = tmp_path / 'small.py'
    config.write_text(f'''
_base_ = {str(base)!r}
model = dict(
    neck=dict(in_channels=6, embed_dims=16, max_seq_len=64, window_size=5),
    head=dict(in_channels=16, feat_channels=16))
train_dataloader = dict(dataset=dict(feat_dims=6, pipeline=[
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(type='RandomCropSegments', max_seq_len=64, trunc_thresh=0.5),
    dict(type='PackSegmentInputs')]))
''')
    np.save(tmp_path / 'a.npy', np.zeros((90, 6), np.float16))
    for data in (['--data', str(tmp_path)], []):
        rows = benchmark.main([
            'data', '--config',
            str(config), '--repeats', '1', '--batch', '2', *data
        ])
        check(rows, capsys.readouterr().out.splitlines())


def test_nothing_to_read(tmp_path):
    for config in ([], ['--config', ACTIONFORMER]):
        with pytest.raises(SystemExit, match='--data'):
            benchmark.main(['data', '--data', str(tmp_path), *config])
