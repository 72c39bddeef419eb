# Copyright (c) mmevad authors. All rights reserved.
"""Tables are read as the metrics write them."""
import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest
from mmaction.registry import METRICS

from mmevad.evaluation import ava_metric
from mmevad.evaluation.tube_report import format_tube_scores
from mmevad.utils.errors import DataError
from tests.test_evaluation.ava_files import make_ava

SPEC = importlib.util.spec_from_file_location(
    'per_class_bars', 'tools/analysis/per_class_bars.py')
per_class_bars = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(per_class_bars)
STAMP = '01/01 00:00:00 - mmengine - INFO - '


def write(path, *messages):
    """A log of mmengine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{STAMP}{x}\n' for x in messages))
    return str(path)


@pytest.fixture
def ava_log(tmp_path, monkeypatch):
    """Log of AVAFrameMAP, and its mAP in percent."""
    messages = []
    monkeypatch.setattr(ava_metric, 'print_log',
                        lambda x, **kwargs: messages.append(x))
    files = make_ava(tmp_path, 0, num_classes=12)
    metric = METRICS.build(
        dict(
            type='AVAFrameMAP',
            ann_file=files.ann_file,
            exclude_file=files.exclude_file,
            label_file=files.label_file,
            num_classes=13))
    metric.process(None, files.samples)
    mean = metric.evaluate(len(files.samples))['mAP/overall']
    path = write(tmp_path / 'run/20260101_000000/20260101_000000.log',
                 'AP at IoU 0.5, in percent:\n   1 old   1.00   1 annotated',
                 *messages, 'Epoch(test) [44/44]')
    return path, 100 * mean


def test_last_table_of_the_ava_metric(ava_log):
    path, mean = ava_log
    found = per_class_bars.read_run(path)
    assert list(found) == [f'action {i}' for i in range(1, 13)]
    assert np.mean(list(found.values())) == pytest.approx(mean, abs=.005)


def test_columns_of_the_tube_metric(tmp_path):
    truth = SimpleNamespace(
        boxes=SimpleNamespace(
            labels=np.array([0, 1, 2]), sizes=np.array([5, 6, 7])),
        tubes=SimpleNamespace(labels=np.array([0, 1, 2])))
    names = ['walk', 'a name of more than twenty-four letters', 'run']
    table = format_tube_scores(names,
                               [('frame@0.5', np.array([.1, .25, np.nan])),
                                ('video@0.5', np.array([.5, .75, np.nan]))],
                               truth)
    path = write(tmp_path / 'a.log', f'3 frames, AP in percent:\n{table}')
    assert per_class_bars.read_run(path) == dict(zip(names, (10., 25.)))
    assert per_class_bars.read_run(path, 'video@0.5') == dict(
        zip(names, (50., 75.)))
    with pytest.raises(DataError, match='no column .* has frame@0.5, video'):
        per_class_bars.read_run(path, 'boxes')


def test_metrics_named_ap(tmp_path):
    folder = tmp_path / 'run' / '20260101_000000'
    write(folder / '20260101_000000.log', 'nothing')
    (folder / '20260101_000000.json').write_text(
        json.dumps({
            'mAP': .3,
            'AP/walk': .2,
            'mAP/AP/a/b': .4,
            'time': 1.
        }))
    assert per_class_bars.read_run(str(tmp_path / 'run')) == {
        'walk': 20.,
        'a/b': 40.
    }
    plain = tmp_path / 'plain.json'
    plain.write_text(json.dumps(dict(walk=.25, run=.5)))
    assert per_class_bars.read_run(str(plain)) == dict(walk=25., run=50.)


def test_a_column_is_of_the_table(ava_log, tmp_path):
    """Metrics have one AP of a class; a column asks for the log."""
    path, _ = ava_log
    metrics = path[:-len('log')] + 'json'
    with open(metrics, 'w') as file:
        json.dump({'AP/action 1': .5}, file)
    run = str(tmp_path / 'run')
    assert per_class_bars.read_run(run) == {'action 1': 50.}
    assert len(per_class_bars.read_run(run, 'frame@0.5')) == 12


def test_two_runs_as_table_and_bars(ava_log, tmp_path, capsys):
    other = tmp_path / 'other.json'
    other.write_text(json.dumps({'action 1': 1., 'action 13': .5}))
    out = tmp_path / 'new' / 'bars.png'
    runs = per_class_bars.main([
        str(tmp_path / 'run'),
        str(other), '--names', 'ours', 'theirs', '--out',
        str(out)
    ])
    assert list(runs) == ['ours', 'theirs'] and out.stat().st_size > 5000
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['class', 'ours', 'theirs', 'difference']
    row = next(x for x in lines if x.startswith('action 1 ')).split()
    assert float(row[4]) == pytest.approx(100 - float(row[2]), abs=.01)


@pytest.mark.parametrize('name, content, message', [
    ('a.log', 'no table', 'has no table of AVAFrameMAP or TubeMAP'),
    ('a.json', '{"mAP": 0.3, "epoch": 7}', 'no metrics named AP/<class>'),
    ('b', None, 'does not exist'),
])
def test_what_is_no_run(name, content, message, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit, match=message):
        per_class_bars.main([str(path), str(path), '--names', 'a', 'b'])
    with pytest.raises(SystemExit, match='holds no log'):
        per_class_bars.main([str(tmp_path), str(path)])
