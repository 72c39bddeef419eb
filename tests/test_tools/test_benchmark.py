"""The benchmark runs, and both sides agree."""
import importlib.util
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location('benchmark',
                                              ROOT / 'tools/benchmark.py')
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)


@pytest.fixture(autouse=True)
def search_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))


def test_nms(capsys):
    rows = benchmark.main([
        'nms', '--num-segments', '300', '--num-classes', '3', '--max-seg-num',
        '50', '--repeats', '1'
    ])
    lines = capsys.readouterr().out.splitlines()[2:]
    assert len(rows) == len(lines) == 8
    for row, line in zip(rows, lines):
        assert line.startswith(row['case'])
        for name in ('ratio', 'ours_s', 'plain_s', 'ours_mib', 'plain_mib'):
            assert math.isfinite(row[name]) and row[name] > 0
        assert row['ratio'] == pytest.approx(row['plain_s'] / row['ours_s'])
        assert f'{row["ratio"]:.1f}' in line.split()
        assert row['max_score_error'] == 0
        assert row['max_segment_error'] < 1e-3
        if 'per class' in row['case']:
            assert row['max_segment_error'] == 0


def test_unknown_command(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(['nothing'])
    assert 'nms' in capsys.readouterr().err
