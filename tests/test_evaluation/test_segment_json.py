# Copyright (c) mmevad authors. All rights reserved.
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmevad.evaluation import (evaluate_segments, read_ground_truth,
                               read_results, write_results)
from mmevad.utils import DataError

FIXTURE = Path(__file__).parents[1] / 'data' / 'eval_localization'


def annotation(label='jump', label_id=0, segment=(0, 10)):
    row = dict(label=label, label_id=label_id, segment=list(segment))
    return {key: value for key, value in row.items() if value is not None}


def detection(score=.5, **kwargs):
    return dict(annotation(**kwargs), score=score)


@pytest.fixture
def write(tmp_path):

    def dump(name, content):
        path = tmp_path / name
        path.write_text(
            content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return dump


@pytest.fixture
def truth_of(write):

    def read(*rows, subset=None, classes=None, **info):
        info = dict(subset='Test', annotations=list(rows), **info)
        path = write('gt.json', dict(database=dict(a=info)))
        return read_ground_truth(path, subset, classes)

    return read


def test_published_numbers_of_mmaction2():
    """Ids from sorted names, no "database", names without 'v_'."""
    truth = read_ground_truth(str(FIXTURE / 'gt.json'))
    preds = read_results(str(FIXTURE / 'result.json'), truth, prefix='v_')
    scores = evaluate_segments(truth, preds, np.arange(50, 100, 5) / 100)
    np.testing.assert_allclose(
        scores.mean_ap, [0.71428571] * 3 + [0.6875] * 2 + [0.59722222] +
        [0.52083333] * 3 + [0.5],
        atol=1e-8)
    assert scores.average == pytest.approx(0.6177579365, abs=1e-10)
    assert not truth.numbered


def test_subset_in_any_case_and_videos_without_annotations(write):
    database = {
        name: dict(subset=subset, annotations=rows)
        for name, subset, rows in [(
            'a', 'Validation',
            [annotation()]), ('b', 'test',
                              [annotation()]), ('c', 'validation', [])]
    }
    path = write('gt.json', dict(database=database))
    truth = read_ground_truth(path, 'VALIDATION')
    assert truth.videos == dict(a=0, c=1)
    assert len(truth.segments.labels) == 1
    assert len(read_ground_truth(path).segments.labels) == 2
    with pytest.raises(DataError, match=r"'train'.*\['Validation', 'test'"):
        read_ground_truth(path, 'train')


def test_classes_number_a_file_without_label_id(truth_of):
    rows = annotation('run', None), annotation('jump', None)
    truth = truth_of(*rows, classes=('walk', 'jump', 'run'))
    assert truth.segments.labels.tolist() == [2, 1] and truth.numbered
    with pytest.raises(DataError, match="'run' is none of the 1 classes"):
        truth_of(*rows, classes=('jump', ))
    assert truth_of(*rows).segments.labels.tolist() == [1, 0]


def test_classes_of_the_file(write):
    database = dict(a=dict(annotations=[annotation('run', None)]))
    content = dict(database=database, classes=['walk', 'jump', 'run'])
    truth = read_ground_truth(write('gt.json', content))
    assert truth.segments.labels.tolist() == [2] and truth.numbered


def test_names_may_share_a_number(truth_of):
    truth = truth_of(annotation('take', 0), annotation('pick up', 0))
    assert truth.segments.labels.tolist() == [0, 0]
    assert truth.names == {0: 'take'}


def test_results_are_numbered_like_the_ground_truth(truth_of, write):
    truth = truth_of(annotation('jump', 4), annotation('run', 2))
    path = write(
        'results.json',
        dict(
            results=dict(
                b=[detection(label='run', label_id=None)],
                a=[
                    detection(label=None, label_id=4),
                    detection(label='other', label_id=7),
                    detection(label='more', label_id=None)
                ])))
    preds = read_results(path, truth)
    assert preds.videos.tolist() == [1, 0, 0, 0]
    assert preds.labels.tolist() == [2, 4, 7, 8]
    assert preds.scores.dtype == preds.segments.dtype == np.float64
    empty = read_results(write('none.json', dict(results=dict(a=[]))), truth)
    assert len(empty.labels) == 0


def test_unpacks_gz(write, tmp_path, truth_of):
    truth_of(annotation())
    packed = tmp_path / 'gt.json.gz'
    packed.write_bytes(gzip.compress((tmp_path / 'gt.json').read_bytes()))
    assert read_ground_truth(str(packed)).videos == dict(a=0)


def test_write_and_read_back(tmp_path, truth_of):
    truth = truth_of(annotation())
    path = tmp_path / 'new' / 'results.json'
    row = detection(1 / 3, segment=(.1, 1e-17 + .7))
    write_results(str(path), dict(a=[row]))
    assert sorted(json.loads(
        path.read_text())) == ['external_data', 'results', 'version']
    preds = read_results(str(path), truth)
    assert preds.scores[0] == 1 / 3
    assert preds.segments[0].tolist() == row['segment']


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'results.json'
    write_results(str(path), dict(a=[detection()]))
    before = path.read_text()
    with pytest.raises(ValueError):
        write_results(str(path), dict(a=[detection(float('nan'))]))
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ['results.json']


BAD_TRUTHS = [
    ([dict(label='jump')], r'video a, annotations\[0\].*"segment"'),
    ([annotation(label_id='x')], r'annotations\[0\]'),
    ([annotation(segment=(3, 2))], r'video a, .*jump.*\[3.0, 2.0\]'),
    ([annotation(), annotation(label_id=1)], "'jump' has the label_ids 0"),
]


@pytest.mark.parametrize('rows,message', BAD_TRUTHS)
def test_bad_ground_truth(rows, message, truth_of):
    with pytest.raises(DataError, match=message) as caught:
        truth_of(*rows)
    assert 'gt.json' in str(caught.value)


def test_other_classes_than_the_dataset(truth_of):
    with pytest.raises(DataError, match="'jump' has label_id 0.*class 1"):
        truth_of(annotation(), classes=('run', 'jump'))


BAD_RESULTS = [
    ('{"results": {"a": [', 'no valid JSON'),
    ('[]', 'no JSON object'),
    (dict(), '"results" is no object'),
    (dict(results=dict(a=dict())), r"results\['a'\] is no list"),
    (dict(results=dict(a=[detection(), dict(score=1)])),
     r"results\['a'\]\[1\].*needs a"),
    (dict(results=dict(a=[detection(float('nan'))])),
     r"results\['a'\]\[0\]: the score is nan"),
    (dict(results=dict(b=[detection(), detection(segment=(5, 4))])),
     r"results\['b'\]\[1\]: the segment \[5.0, 4.0\]"),
    (dict(results=dict(a=[detection(segment=(0, float('inf')))])),
     r'\[0.0, inf\]'),
    (dict(results=dict(a=[detection(label_id=3)])),
     "'jump' has label_id 3, but 0 in .*gt.json"),
]


@pytest.mark.parametrize('content,message', BAD_RESULTS)
def test_bad_results(content, message, truth_of, write):
    truth = truth_of(annotation())
    with pytest.raises(DataError, match=message) as caught:
        read_results(write('results.json', content), truth)
    assert 'results.json' in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match='does not exist'):
        read_ground_truth(str(tmp_path / 'none.json'))
