# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import json
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    'localization_errors', 'tools/analysis/localization_errors.py')
localization_errors = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(localization_errors)


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def files(tmp_path):

    def action(start, end, label='run', **kwargs):
        return dict(segment=[start, end], label=label, **kwargs)

    truth = dict(
        v=dict(
            subset='Test', annotations=[action(0, 10),
                                        action(20, 30, 'sit')]),
        w=dict(subset='Training', annotations=[action(0, 10)]))
    results = dict(v=[
        action(0, 10, score=.5),
        action(50, 60, score=.9),
        action(20, 30, score=.1)
    ])
    return [
        write(tmp_path / 'truth.json', dict(database=truth)),
        write(tmp_path / 'results.json', dict(results=results)), '--subset',
        'test'
    ]


def test_table_chart_and_numbers(files, tmp_path, capsys):
    chart, numbers = tmp_path / 'new/chart.png', tmp_path / 'numbers.json'
    found = localization_errors.main(
        files + ['--out', str(chart), '--json',
                 str(numbers)])
    # run: found second, so 0.5; sit: nothing
    assert found.mean_ap == .25
    assert found.gains['background'] == .25
    assert found.gains['wrong label'] == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(x for x in lines if x.startswith('background'))
    assert row.split() == ['background', '1', '33.33', '100.00', '+25.00']
    assert 'mAP 25.00' in lines[-2] and chart.stat().st_size > 5000
    content = json.loads(numbers.read_text())
    assert content['counts'] == [[1, 1, 0, 1, 0, 0]] * 5
    assert content['missed'] == [1] * 5


def test_bad_input_is_one_sentence(files):
    with pytest.raises(SystemExit, match='error: .*must be above 0.1'):
        localization_errors.main(files + ['--tious', '.05', '.5'])
    with pytest.raises(SystemExit, match='error: .*has no annotations|exist'):
        localization_errors.main([files[0], files[1] + 'x'])
    with pytest.raises(SystemExit):
        localization_errors.main(files + ['--profile-tiou', '.45'])


def test_real_detections():
    """S-CNN's detections on THUMOS14, whose mAP is known."""
    import os
    root = os.environ.get('MMEVAD_DATA')
    if root is None:
        pytest.skip('MMEVAD_DATA does not name the real files')
    root = Path(root) / 'thumos14'
    found = localization_errors.main([
        str(root / 'thumos14.json'),
        str(root / 'scnn/c3d_v1.1/det_nms0.4_rankscore.json.gz'), '--subset',
        'test'
    ])
    assert 100 * found.mean_ap == pytest.approx(24.4550, abs=1e-4)
    # its segments are windows of few lengths
    assert max(found.gains, key=found.gains.get) == 'localization'
