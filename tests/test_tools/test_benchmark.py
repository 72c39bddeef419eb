"""The benchmark runs on small models, and both sides agree."""
import importlib.util
import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.test_models.test_actionformer.small import head_config, neck_config
from tests.test_models.test_evad.small import detector_config

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location('benchmark',
                                              ROOT / 'tools/benchmark.py')
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)
MEMORY = ('ours_mib', 'plain_mib', 'ours_extra_mib', 'plain_extra_mib')


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    monkeypatch.setattr('benchmarks.machine.SIDE', 64)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def evad(tmp_path):
    path = tmp_path / 'evad.py'
    Config(dict(model=detector_config())).dump(str(path))
    return str(path)


@pytest.fixture
def actionformer(tmp_path):
    path = tmp_path / 'actionformer.py'
    model = dict(type='ActionFormer', neck=neck_config(), head=head_config())
    Config(dict(model=model)).dump(str(path))
    return str(path)


def check_row(row):
    for name in ('ours_s', 'plain_s', 'gmacs', 'rate', 'floor_s'):
        assert math.isfinite(row[name]) and row[name] > 0, name
    assert row['ratio'] == pytest.approx(row['plain_s'] / row['ours_s'])
    assert row['floor_s'] == pytest.approx(2 * row['gmacs'] / row['rate'])
    assert row['reached'] == pytest.approx(row['floor_s'] / row['ours_s'])


def test_evad(evad, tmp_path, capsys):
    files = tmp_path / 'rows.json', tmp_path / 'cost.png'
    rows = benchmark.main([
        'evad', '--config', evad, '--sizes', '64', '--repeats', '1', '--dtype',
        'fp32', 'bf16', '--no-memory', '--json',
        str(files[0]), '--plot',
        str(files[1])
    ])
    assert [(row['dtype'], row['keep_rate']) for row in rows] == [('fp32', 1.),
                                                                  ('fp32', .7),
                                                                  ('bf16', 1.),
                                                                  ('bf16', .7)]
    for row in rows:
        check_row(row)
        assert all(row[name] is None for name in MEMORY)
        for side in ('ours', 'plain'):
            parts = dict(row['parts'][side])
            assert parts.pop('roi') > 0
            total = parts.pop('total')
            assert set(parts) == {
                'backbone', 'neck', 'actor_head', 'context_decoder'
            }
            assert 0 < sum(parts.values()) <= total
    # fewer tokens, less arithmetic; it does not depend on the dtype
    assert rows[0]['gmacs'] > rows[1]['gmacs'] == rows[3]['gmacs']
    result = json.loads(files[0].read_text())
    assert result['rows'] == rows and result['command'] == 'evad'
    assert result['machine']['threads'] > 0
    assert files[1].stat().st_size > 1000
    assert 'arithmetic' in capsys.readouterr().out


def test_evad_training(evad):
    rows = benchmark.main([
        'evad', '--config', evad, '--sizes', '64', '--keep-rates', '0.7',
        '--repeats', '1', '--train', '--checkpoint', '0', '1', '--no-memory'
    ])
    assert [row['checkpoint'] for row in rows] == [0., 1.]
    for row in rows:
        check_row(row)
    assert rows[1]['gmacs'] > rows[0]['gmacs']  # blocks run twice


@pytest.mark.slow
@pytest.mark.parametrize('rate,published', [(1., 223.8), (0.7, 134.2)])
def test_floor_counts_what_is_published(rate, published):
    """G multiply-adds of ViT-B, section 7 of the specification."""
    row, = benchmark.main(
        ['evad', '--keep-rates',
         str(rate), '--repeats', '1', '--no-memory'])
    assert row['gmacs'] == pytest.approx(published, rel=0.005)


def test_actionformer(actionformer, tmp_path):
    plot = tmp_path / 'cost.png'
    rows = benchmark.main([
        'actionformer', '--config', actionformer, '--sizes', '64', '128',
        '--repeats', '1', '--no-memory', '--plot',
        str(plot)
    ])
    assert [row['length'] for row in rows] == [64, 128]
    for row in rows:
        check_row(row)
    assert rows[1]['gmacs'] == pytest.approx(2 * rows[0]['gmacs'], rel=0.05)
    assert plot.stat().st_size > 1000


def test_actionformer_without_plain_side(actionformer, capsys):
    row, = benchmark.main([
        'actionformer', '--config', actionformer, '--sizes', '64',
        '--max-plain', '63', '--repeats', '1', '--no-memory'
    ])
    assert row['ours_s'] > 0
    assert [row[key] for key in ('plain_s', 'ratio', 'floor_s')] == [None] * 3
    assert 'T 64 fp32' in capsys.readouterr().out


def test_actionformer_training(actionformer):
    row, = benchmark.main([
        'actionformer', '--config', actionformer, '--sizes', '64', '--train',
        '--repeats', '1', '--no-memory'
    ])
    check_row(row)


def test_actionformer_post(actionformer, capsys):
    row, = benchmark.main([
        'actionformer', '--config', actionformer, '--sizes', '64', '--post',
        '--videos', '3', '--repeats', '1'
    ])
    assert row['detections'] > 10
    assert row['ratio'] == pytest.approx(row['plain_s'] / row['ours_s'])
    assert '3 videos' in capsys.readouterr().out


def test_importance(tmp_path, capsys):
    plot = tmp_path / 'cost.png'
    rows = benchmark.main([
        'importance', '--sizes', '64', '256', '--heads', '2', '--head-dim',
        '8', '--repeats', '1', '--max-map-gib', '0.0001', '--dtype', 'fp32',
        'bf16', '--no-memory', '--plot',
        str(plot)
    ])
    assert [(row['tokens'], row['dtype']) for row in rows] == [(64, 'fp32'),
                                                               (256, 'fp32'),
                                                               (64, 'bf16'),
                                                               (256, 'bf16')]
    for row in rows:
        for name in ('ours_s', 'fused_s', 'block_s', 'rate'):
            assert row[name] > 0, name
        assert row['extra_s'] == row['ours_s'] - row['fused_s']
        assert row['share'] == row['extra_s'] / row['block_s']
    # 2 heads x 256 x 256 numbers are 0.0005 GiB
    assert [row['plain_s'] is None for row in rows[:2]] == [False, True]
    assert rows[0]['agree'] == 1 and rows[0]['max_error'] < 1e-4
    assert rows[2]['agree'] > 0.9 and rows[2]['max_error'] < 0.1
    assert rows[1]['agree'] is None
    assert plot.stat().st_size > 1000
    assert 'of block' in capsys.readouterr().out


def test_memory():
    """50 MB that a call holds while it runs, in a process of its own."""
    from benchmarks.measure import memory_of
    make = partial(partial, torch.ones, 50 * 2**18)
    memory = memory_of(make, device='cpu', threads=1)
    assert 49 < memory.extra < 60
    assert memory.total > memory.extra + 50  # PyTorch itself


def test_nms(capsys):
    rows = benchmark.main([
        'nms', '--sizes', '300', '--num-classes', '3', '--max-seg-num', '50',
        '--repeats', '1'
    ])
    lines = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == len(lines) == 8
    for row, line in zip(rows, lines):
        assert line.startswith(row['case'])
        assert row['segments'] == 300
        for name in ('ratio', 'ours_s', 'plain_s', 'ours_mib', 'plain_mib'):
            assert math.isfinite(row[name]) and row[name] > 0
        assert row['ratio'] == pytest.approx(row['plain_s'] / row['ours_s'])
        assert f'{row["ratio"]:.1f}' in line.split()
        assert row['max_score_error'] == 0
        assert row['max_segment_error'] < 1e-3
        if 'per class' in row['case']:
            assert row['max_segment_error'] == 0


def test_needs_the_source_tree(evad, tmp_path, monkeypatch):
    monkeypatch.setattr('benchmarks.reference.ROOT', tmp_path)
    with pytest.raises(SystemExit, match='source tree'):
        benchmark.main(['evad', '--config', evad, '--sizes', '64'])


def test_no_gpu(evad, monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(SystemExit, match='sees no GPU'):
        benchmark.main(['evad', '--config', evad, '--device', 'cuda'])


def test_unknown_command(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(['nothing'])
    assert 'nms' in capsys.readouterr().err
