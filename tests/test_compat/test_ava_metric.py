# Copyright (c) mmevad authors. All rights reserved.
"""mmaction2's AVAMetric, several times at once."""
import multiprocessing
import os

import pytest
from mmaction.evaluation.metrics import ava_metric
from mmaction.registry import METRICS

from mmevad.compat import mmaction_ava_metric
from tests.test_evaluation.ava_files import make_ava


def evaluate(files, samples):
    metric = METRICS.build(
        dict(
            type='AVAMetric',
            ann_file=files.ann_file,
            exclude_file=None,
            label_file=files.label_file,
            num_classes=5))
    metric.process(None, samples)
    return metric.evaluate(len(samples))['mAP/overall']


@pytest.mark.skipif(
    not mmaction_ava_metric.is_present(), reason='mmaction2 is mended')
def test_runs_of_avametric_do_not_share_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = make_ava(tmp_path, 0, num_classes=4)
    expected = evaluate(files, files.samples)
    write, paths = ava_metric.results2csv, []

    def write_and_run_another(results, path, *args):
        write(results, path, *args)
        paths.append(path)
        if len(paths) == 1:  # in the same second, with other predictions
            evaluate(files, files.samples[:3])

    monkeypatch.setattr(ava_metric, 'results2csv', write_and_run_another)
    got = evaluate(files, files.samples)
    assert got == expected > 0
    assert not multiprocessing.active_children()
    assert len(set(paths)) == 2 and not any(map(os.path.exists, paths))

    def fail(*args, **kwargs):
        raise RuntimeError('stop')

    monkeypatch.setattr(ava_metric, 'ava_eval', fail)
    with pytest.raises(RuntimeError, match='stop'):
        evaluate(files, files.samples)
    assert not any(map(os.path.exists, paths))
    assert not list(tmp_path.glob('AVA_*'))
