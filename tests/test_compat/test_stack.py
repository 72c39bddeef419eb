# Copyright (c) mmevad authors. All rights reserved.
"""The installed stack, as each breakage leaves it."""
import subprocess
import sys

import numpy as np
import pytest

from mmevad.compat import REPORTS, mmaction_drn, mmcv_ext, numpy_aliases
from mmevad.compat.report import Report, format_table
from mmevad.compat.version_bounds import Versions, problem


def python(code: str) -> str:
    """Run code in a new interpreter, return what it prints."""
    return subprocess.run([sys.executable, '-W', 'ignore', '-c', code],
                          check=True,
                          capture_output=True,
                          text=True).stdout


def test_all_of_mmdet_and_mmaction_imports():
    import mmaction.apis  # noqa: F401
    import mmaction.models  # noqa: F401
    import mmdet.apis  # noqa: F401
    import mmdet.models  # noqa: F401


def test_mmevad_after_a_failed_import():
    # what fails without mmevad leaves half-imported modules behind
    out = python('try:\n    import mmaction.models\nexcept ImportError:\n'
                 '    print("failed")\n'
                 'import mmevad, mmaction.models, mmdet.models\n'
                 'print("works")')
    assert out.split()[-1] == 'works'


@pytest.mark.skipif(not mmcv_ext.is_missing(), reason='mmcv is compiled')
def test_other_operators_raise_when_called_and_say_which():
    import torch
    from mmcv.ops import DeformConv2d
    layer = DeformConv2d(1, 1, 3)
    with pytest.raises(
            NotImplementedError, match="'deform_conv_forward'.*install"):
        layer(torch.ones(1, 1, 5, 5), torch.zeros(1, 18, 3, 3))


@pytest.mark.skipif(not mmcv_ext.is_missing(), reason='mmcv is compiled')
def test_mmcv_ops_use_the_stand_in():
    import torch
    from mmcv.ops import RoIAlign, nms, soft_nms
    features = torch.arange(16.).view(1, 1, 4, 4).requires_grad_()
    pooled = RoIAlign(2, 1.0, 2)(features, torch.tensor([[0, 0., 0., 4., 4.]]))
    assert pooled.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    pooled.sum().backward()
    assert features.grad.sum().item() == pytest.approx(4)
    boxes = torch.tensor([[0., 0, 4, 4], [0, 0, 4, 3.9], [9, 9, 10, 10]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    assert nms(boxes, scores, 0.5)[1].tolist() == [0, 2]
    dets, kept = soft_nms(boxes, scores, method='linear')
    assert kept.tolist() == [0, 2, 1]
    assert dets[2, 4].item() == pytest.approx(0.8 * (1 - 3.9 / 4))


@pytest.mark.skipif(not mmaction_drn.is_missing(), reason='DRN is there')
def test_drn_says_that_it_is_missing():
    from mmaction.registry import MODELS
    with pytest.raises(ImportError, match='1.2.0 wheel'):
        MODELS.build(dict(type='DRN'))


def test_numpy_keeps_its_own_names():
    before = set(dir(np))
    from mmaction.evaluation.functional.ava_evaluation import metrics
    assert set(dir(np)) == before
    assert np.isnan(metrics.np.NAN)
    with pytest.raises(AttributeError, match='no_such_name'):
        metrics.np.no_such_name
    assert metrics.np.asarray is np.asarray


def test_ava_metric_with_no_ground_truth_is_nan():
    from mmaction.evaluation.functional.ava_evaluation.metrics import \
        compute_average_precision
    assert np.isnan(compute_average_precision(None, None))


@pytest.mark.parametrize('name', numpy_aliases.OLD_NAMES)
def test_old_numpy_names_mean_what_they_did(name):
    value = getattr(numpy_aliases._view, name)
    assert {
        'NAN': lambda: np.isnan(value),
        'Inf': lambda: value == np.inf,
        'float': lambda: np.zeros(1, value).dtype == np.float64,
        'long': lambda: np.zeros(1, value).dtype.kind == 'i',
        'in1d': lambda: value([1, 5], [5]).tolist() == [False, True],
        'trapz': lambda: value([0, 1, 2]) == 2.0,
    }[name]()


@pytest.mark.parametrize('versions, sentence', [
    (('2.1.0', '3.3.0', '1.2.0'), None),
    (('2.0.1', '3.1.0', '1.1.0'), None),
    ((None, '3.3.0', '1.2.0'), 'mmcv-lite==2.1.0'),
    (('2.1.0', None, '1.2.0'), 'needs mmdet'),
    (('2.1.0', '3.3.0', None), 'needs mmaction2'),
    (('2.1.0', '3.3.0', '1.1.0'), 'mmaction2 1.1.0 needs mmcv < 2.1'),
    (('2.1.0', '3.1.0', '1.2.0'), 'mmdet 3.1.0 needs mmcv < 2.1'),
    (('2.2.0', '3.3.0', '1.2.0'), 'mmcv 2.2.0 is too new'),
])
def test_versions_that_refuse_each_other(versions, sentence):
    found = problem(Versions(*versions))
    assert found is None if sentence is None else sentence in found


def test_table_has_a_line_per_breakage():
    table = format_table(REPORTS + (Report('made up', True, 'this'), ))
    lines = table.splitlines()
    assert lines[-1].split() == ['made', 'up', 'yes', 'this']
    assert all(any(r.breakage in line for line in lines) for r in REPORTS)
    assert any(line.startswith('torch ') for line in lines)


def test_module_runs_scripts_of_others(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import sys\nimport mmaction.models\n'
                      'print(__name__, sys.argv[1:])\n')
    out = subprocess.run([
        sys.executable, '-W', 'ignore', '-m', 'mmevad.compat',
        str(script), '--flag', '1'
    ],
                         check=True,
                         capture_output=True,
                         text=True).stdout
    assert out.splitlines()[-1] == "__main__ ['--flag', '1']"
