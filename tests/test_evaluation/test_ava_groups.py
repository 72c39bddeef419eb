# Copyright (c) mmevad authors. All rights reserved.
"""When AVAFrameMAP reports groups of classes."""
import os
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import METRICS

from mmevad.utils import DataError
from .ava_files import AVA_NAMES, make_ava, write_map

GROUPS = ('person_movement', 'object_manipulation', 'person_interaction')


def evaluate(files, **options):
    metric = METRICS.build(
        dict(
            type='AVAFrameMAP',
            ann_file=files.ann_file,
            exclude_file=None,
            label_file=files.label_file,
            **options))
    metric.process(None, files.samples)
    return metric.evaluate(len(files.samples))


def test_the_label_map_of_ava_has_its_three_groups(tmp_path):
    files = make_ava(tmp_path, 0)
    assert list(evaluate(files)) == ['mAP/overall']
    write_map(Path(files.label_file), range(1, 81), AVA_NAMES)
    found = evaluate(files, per_class=True)
    assert tuple(found)[:4] == ('mAP/overall', *(f'mAP/{name}'
                                                 for name in GROUPS))
    names = [AVA_NAMES.get(i, f'action {i}') for i in range(1, 81)]
    by_class = [found.get(f'mAP/AP/{name}', np.nan) for name in names]
    assert np.isfinite(by_class).sum() == len(found) - 4 > 70
    for name, first, last in zip(GROUPS, (1, 15, 64), (14, 63, 80)):
        expected = np.nanmean(by_class[first - 1:last])
        assert found[f'mAP/{name}'] == pytest.approx(expected)


@pytest.mark.parametrize('change', [{14: 'run'}, {80: 'wave'}])
def test_as_many_classes_of_another_kind_have_none(change, tmp_path):
    files = make_ava(tmp_path, 0)
    write_map(Path(files.label_file), range(1, 81), {**AVA_NAMES, **change})
    assert list(evaluate(files)) == ['mAP/overall']


def test_own_classes_give_no_nan(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    found = evaluate(files, num_classes=5)
    assert list(found) == ['mAP/overall']
    assert not np.isnan(list(found.values())).any()


def test_a_part_of_ava_has_the_groups_of_its_classes(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=3)
    write_map(Path(files.label_file), range(1, 81), AVA_NAMES)
    found = evaluate(files, num_classes=4, custom_classes=[3, 1, 2])
    assert list(found) == ['mAP/overall', 'mAP/person_movement']
    assert found['mAP/person_movement'] == found['mAP/overall']


def test_groups_of_the_config(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    found = evaluate(
        files,
        num_classes=5,
        per_class=True,
        groups=dict(odd=[1, 3], last=(4, )))
    by_class = [found[f'mAP/AP/action {i}'] for i in range(1, 5)]
    assert found['mAP/odd'] == pytest.approx((by_class[0] + by_class[2]) / 2)
    assert found['mAP/last'] == by_class[3] != found['mAP/odd']
    assert list(found)[:3] == ['mAP/overall', 'mAP/odd', 'mAP/last']


@pytest.mark.parametrize('groups, message', [
    (dict(odd=[1, 5]),
     r"groups\['odd'\] has the id 5, which is none of the 4"),
    (dict(odd=['1']), 'groups must be a dict of strings to lists of integers'),
    (dict(odd=[]), r"groups has 'odd': \[\]; give each group"),
    (dict(overall=[1]), "groups has 'overall'"),
    ([1, 2], 'groups must be a dict'),
])
def test_wrong_groups(groups, message, tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    with pytest.raises(DataError, match=message):
        evaluate(files, num_classes=5, groups=groups)


@pytest.mark.skipif(
    'MMEVAD_DATA' not in os.environ, reason='MMEVAD_DATA is not set')
def test_the_real_label_map(tmp_path):
    root = Path(os.environ['MMEVAD_DATA']) / 'ava'
    (path, ) = root.glob('ava_action_list*.pbtxt')
    files = make_ava(tmp_path, 0)._replace(label_file=str(path))
    assert list(evaluate(files)) == ['mAP/overall'
                                     ] + [f'mAP/{name}' for name in GROUPS]
