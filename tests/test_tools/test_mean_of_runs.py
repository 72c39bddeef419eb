# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import json

import pytest

SPEC = importlib.util.spec_from_file_location(
    'mean_of_runs', 'tools/analysis/mean_of_runs.py')
mean_of_runs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mean_of_runs)


def write(folder, time, **metrics):
    (folder / time).mkdir(parents=True)
    path = folder / time / f'{time}.json'
    path.write_text(json.dumps(dict(data_time=1., time=2., **metrics)))


def test_newest_test_of_each_run(tmp_path, capsys):
    write(tmp_path / 'a', '20260101_000000', **{'frame-mAP@0.5': 0.1})
    write(tmp_path / 'a', '20260102_000000', **{'frame-mAP@0.5': 0.5})
    write(tmp_path / 'b', '20260101_000000', **{'frame-mAP@0.5': 0.8})
    runs = [str(tmp_path / name) for name in 'ab']
    assert mean_of_runs.main(runs) == {'frame-mAP@0.5': 0.65}
    assert '0.6500  from 0.5000 to 0.8000' in capsys.readouterr().out


def test_what_cannot_be_averaged(tmp_path):
    write(tmp_path / 'a', '20260101_000000', x=1.)
    write(tmp_path / 'b', '20260101_000000', y=1.)
    with pytest.raises(SystemExit, match='the same metrics: x, y'):
        mean_of_runs.main([str(tmp_path / 'a'), str(tmp_path / 'b')])
    with pytest.raises(SystemExit, match='holds no results'):
        mean_of_runs.main([str(tmp_path)])
