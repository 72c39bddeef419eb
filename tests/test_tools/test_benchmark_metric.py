# Copyright (c) mmevad authors. All rights reserved.
"""Metrics are measured, and agree with mmaction2's."""
import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SMALL = [
    'metric', '--ava-keyframes', '40', '--segment-videos', '20',
    '--segment-truths', '100', '--segment-dets', '300'
]


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    spec = importlib.util.spec_from_file_location('benchmark',
                                                  ROOT / 'tools/benchmark.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(monkeypatch, benchmark):
    """Measure in this process, which has imported everything."""
    from benchmarks import fresh, metric_ava, metric_segments

    def measure(make, *args, **kwargs):
        return fresh.Measured(make(*args)(), 1., 100.)

    for module in (metric_ava, metric_segments):
        monkeypatch.setattr(module, 'measure', measure)


@pytest.mark.parametrize('part, name', [
    ('ava', 'AVA, 40 keyframes x 3 x 60'),
    ('segment', 'segments, 300 for 100'),
])
def test_rows_agree(part, name, benchmark, here, capsys):
    row, = benchmark.main([*SMALL, '--only', part, '--share', '0.5'])
    assert row['name'] == name and row['reference_share'] == 0.5
    assert row['agree'] < 1e-12
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(name) and line.count('1.00 s    100 MiB') == 2


@pytest.mark.slow
def test_rows_of_fresh_processes(benchmark, tmp_path):
    path = tmp_path / 'rows.json'
    benchmark.main([*SMALL, '--only', 'ava', '--json', str(path)])
    row, = json.loads(path.read_text())['rows']
    assert row['reference_s'] > row['ours_s'] > 0
    assert row['reference_mib'] > 100 and row['ours_mib'] > 100


def test_results_that_differ_are_an_error(benchmark, monkeypatch, capsys):
    from benchmarks import metric, metric_ava
    row = dict(
        name='AVA',
        ours_s=1.,
        ours_mib=1.,
        reference_s=1.,
        reference_mib=1.,
        reference_share=1.,
        agree=math.nan)
    monkeypatch.setattr(metric_ava, 'rows', lambda args: [row])
    with pytest.raises(RuntimeError, match='results of AVA differ'):
        benchmark.main([*SMALL, '--only', 'ava'])
    assert metric.TOLERANCE < 1e-4


def test_made_up_segments_are_found(benchmark, tmp_path):
    from benchmarks import metric_segments
    mean_ap = metric_segments.our_evaluation(20, 20, 100, 300, 0)()
    assert 0.05 < mean_ap[-1] < mean_ap[0] < 0.9
    part = metric_segments.make_up(str(tmp_path), 5, 20, 100, 300, 0)
    assert np.all([Path(x).stat().st_size > 0 for x in part])


@pytest.mark.slow
def test_peak_memory_is_of_the_process_alone(benchmark):
    from benchmarks import fresh
    held = np.ones(300 * 2**17)  # 300 MiB here, which no child inherits
    small = fresh.measure(_take, 1)
    large = fresh.measure(_take, 200)
    assert small.value == 2**17 and held.nbytes == 300 * 2**20
    assert 190 < large.mib - small.mib < 250


def _take(mib):
    """A function that fills some memory."""
    return lambda: int(np.ones(mib * 2**17).sum()) // mib
