# Copyright (c) mmevad authors. All rights reserved.
import copy
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.evaluation.functional import ava_utils
from mmaction.registry import METRICS
from mmengine.logging import MMLogger

from mmevad.utils import DataError
from .ava_files import AVA_NAMES, csv_samples, make_ava, sample_of, write_map

FIXTURE = Path(__file__).parents[1] / 'data/eval_detection'
KEYS = ('overall', 'person_movement', 'object_manipulation',
        'person_interaction')


def evaluate(metric_type, samples, files, **options):
    metric = METRICS.build(
        dict(
            type=metric_type,
            ann_file=files.ann_file,
            label_file=files.label_file,
            **{
                'exclude_file': files.exclude_file,
                **options
            }))
    metric.process(None, copy.deepcopy(samples))
    return metric.evaluate(len(samples))


def both(files, samples=None, **options):
    """Metrics of ours and of mmaction2, those that we give."""
    samples = files.samples if samples is None else samples
    ours, theirs = [
        evaluate(name, samples, files, **options)
        for name in ('AVAFrameMAP', 'AVAMetric')
    ]
    assert list(theirs) == [f'mAP/{key}' for key in KEYS]
    return list(ours.values()), [theirs[key] for key in ours]


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    level = logger.level  # other tests may have changed it
    logger.setLevel('INFO')
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.setLevel(level)


@pytest.fixture
def serial(monkeypatch):
    """No processes for small evaluations."""
    pool = SimpleNamespace(
        map=lambda function, items: list(map(function, items)))
    monkeypatch.setattr(ava_utils, 'multiprocessing',
                        SimpleNamespace(Pool=lambda processes: pool))


@pytest.mark.parametrize('metric_type', ['AVAFrameMAP', 'AVAMetric'])
def test_fixture_of_mmaction2(metric_type, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metric = METRICS.build(
        dict(
            type=metric_type,
            ann_file=str(FIXTURE / 'gt.csv'),
            exclude_file=None,
            label_file=str(FIXTURE / 'action_list.txt'),
            num_classes=4))
    samples = csv_samples(FIXTURE / 'pred.csv', 3)
    metric.process(None, samples)
    got = metric.evaluate(len(samples))
    assert got['mAP/overall'] == pytest.approx(0.09385522, abs=1e-8)
    assert not os.listdir(tmp_path)


EVALUATED = [i for i in range(1, 81) if i % 5 != 2]
CASES = {
    'all classes': (dict(), dict()),
    '64 of 80': (dict(ids=EVALUATED), dict()),
    'ties at 0.1': (dict(ids=EVALUATED, decimals=1), dict()),
    'ties at 0.01': (dict(decimals=2), dict()),
    'excluded': (dict(excluded=True), dict()),
    'few classes': (dict(num_classes=4), dict(num_classes=5)),
    'high threshold': (dict(), dict(action_thr=0.05)),
    'a threshold each': (dict(), dict(action_thr=[0.01] * 40 + [0.1] * 41)),
    'single label': (dict(num_classes=4), dict(num_classes=5, action_thr=-1)),
    'custom':
    (dict(num_classes=3), dict(num_classes=4, custom_classes=[3, 1, 2])),
    'fewer custom': (dict(num_classes=2, ids=[1, 2, 5]),
                     dict(num_classes=3, custom_classes=[2, 1])),
}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('seed', range(2))
def test_same_numbers_as_mmaction2(case, seed, tmp_path, serial):
    made, options = CASES[case]
    files = make_ava(tmp_path, seed, **made)
    count = made.get('num_classes', 80)
    if count == 80:
        ids = made.get('ids', range(1, 81))
        write_map(Path(files.label_file), ids, AVA_NAMES)
    ours, theirs = both(files, **options)
    assert len(ours) == (4 if count == 80 else 1)
    assert 0.005 < ours[0] < 0.5
    np.testing.assert_allclose(ours, theirs, atol=1e-12, equal_nan=True)


def test_missed_class_counts_zero_as_in_the_code_of_ava(tmp_path, log, serial):
    files = make_ava(tmp_path, 0, num_classes=4)
    whole = both(files, num_classes=5)
    for sample in files.samples:
        sample['pred_instances']['scores'][:, 2] = 0.001
    ours, theirs = both(files, num_classes=5)
    assert ours[0] < whole[0][0]
    # mmaction2 averages over the three classes that are left
    assert theirs[0] == pytest.approx(4 / 3 * ours[0])
    assert '1 classes with ground truth have no detection' in log.text
    assert 'AP 0: action 2' in log.text


def test_every_class_is_reported_if_wanted(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    for sample in files.samples:
        sample['pred_instances']['scores'][:, 2] = 0.001
    plain, full = (
        evaluate(
            'AVAFrameMAP',
            files.samples,
            files,
            num_classes=5,
            per_class=per_class) for per_class in (False, True))
    extra = {k: v for k, v in full.items() if k not in plain}
    assert list(extra) == [f'mAP/AP/action {i}' for i in range(1, 5)]
    assert np.mean(list(extra.values())) == pytest.approx(plain['mAP/overall'])
    assert extra['mAP/AP/action 2'] == 0 < extra['mAP/AP/action 1'] < 1


def test_excluded_truth_does_not_count(tmp_path, log, serial):
    files = make_ava(tmp_path, 0, num_classes=4)
    Path(files.exclude_file).write_text('v0,0900\nv1,0903\n')
    ours, theirs = both(files, num_classes=5)
    rows = Path(files.ann_file).read_text().split()
    rows = [x for x in rows if x[:7] not in ('v0,0900', 'v1,0903')]
    Path(files.ann_file).write_text('\n'.join(rows))
    assert len(rows) == 42 * 9 - 18
    clean = both(files, num_classes=5)
    assert ours[0] == clean[0][0] == pytest.approx(clean[1][0], abs=1e-12)
    assert theirs[0] < ours[0]  # excluded, yet counted as missed
    assert '2 predicted keyframes are excluded' in log.text
    assert '18 rows on excluded keyframes are left out' in log.text


def test_keyframes_without_truth_as_in_the_code_of_ava(tmp_path, log):
    files = make_ava(tmp_path, 0, num_classes=4)
    spare = [x for x in files.samples if x['timestamp'] == 905]
    assert [len(x['pred_instances']['bboxes']) > 0 for x in spare] == [1, 1]
    rest = [x for x in files.samples if x['timestamp'] != 905]
    ignored = evaluate('AVAFrameMAP', files.samples, files, num_classes=5)
    assert 'have no ground truth of these classes and are left out' in log.text
    counted = evaluate(
        'AVAFrameMAP',
        files.samples,
        files,
        num_classes=5,
        ignore_empty_frames=False)
    assert ignored['mAP/overall'] == evaluate(
        'AVAFrameMAP', rest, files, num_classes=5)['mAP/overall']
    assert counted['mAP/overall'] < ignored['mAP/overall']
    assert '2 of 42 annotated keyframes were not predicted' in log.text
    assert 'counted as false' in log.text


def test_rounding_can_be_left_out(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    for sample in files.samples:
        sample['pred_instances']['scores'] /= 100
    options = dict(num_classes=5, action_thr=0.)
    rough = evaluate('AVAFrameMAP', files.samples, files, **options)
    exact = evaluate(
        'AVAFrameMAP', files.samples, files, decimals=None, **options)
    for sample in files.samples:
        sample['pred_instances']['scores'] *= 100
    full = evaluate('AVAFrameMAP', files.samples, files, **options)
    assert rough != exact
    assert exact['mAP/overall'] == pytest.approx(full['mAP/overall'], abs=1e-3)


def test_rank_padding_is_dropped(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    metric = METRICS.build(
        dict(
            type='AVAFrameMAP',
            ann_file=files.ann_file,
            exclude_file=None,
            label_file=files.label_file,
            num_classes=5))
    # what mmengine's sampler appends, so that all ranks have as many
    metric.process(None, files.samples + files.samples[:2])
    got = metric.evaluate(len(files.samples))
    assert got['mAP/overall'] == evaluate(
        'AVAFrameMAP', files.samples, files, num_classes=5)['mAP/overall']


def test_keyframe_twice(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    with pytest.raises(DataError, match='Keyframe v0,0900 was predicted 2'):
        evaluate(
            'AVAFrameMAP',
            files.samples + files.samples[:1],
            files,
            num_classes=5)


def box_sample(box=(.1, .1, .5, .5), columns=5, score=.5):
    return sample_of(('v0', 900), [box], scores=np.full((1, columns), score))


WRONG = {
    'end before': (box_sample((.5, .1, .1, .5)), 'v0,0900, box 0'),
    'pixels': (box_sample((10, 20, 30, 40)), 'divided by the width'),
    'nan box': (box_sample((np.nan, .1, .5, .5)), 'box 0'),
    'nan score': (box_sample(score=np.nan), 'box 0: a score is not finite'),
    'no background': (box_sample(columns=4), r'should be .* \(n, 5\)'),
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_predictions_are_named(case, tmp_path):
    sample, message = WRONG[case]
    files = make_ava(tmp_path, 0, num_classes=4)
    with pytest.raises(DataError, match=message):
        evaluate('AVAFrameMAP', [sample], files, num_classes=5)


def test_nothing_predicted(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    with pytest.raises(DataError, match='No keyframe was predicted'):
        evaluate('AVAFrameMAP', [], files, num_classes=5)
    for sample in files.samples:
        sample['video_id'] += '.mp4'
    with pytest.raises(DataError, match=r'it has v\d,09.., the model v0.mp4'):
        evaluate('AVAFrameMAP', files.samples, files, num_classes=5)


def test_wrong_files_and_options(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    base = dict(
        type='AVAFrameMAP',
        exclude_file=None,
        **{
            'ann_file': files.ann_file,
            'label_file': files.label_file
        })
    for message, options in {
            'options': dict(options=('recall', )),
            'action id 4, which num_classes=3': dict(num_classes=3),
            'lacks the action id 9':
            dict(num_classes=3, custom_classes=[1, 9]),
            '2 different ids': dict(num_classes=3, custom_classes=[1]),
            'action_thr has 2 numbers': dict(action_thr=(.1, .2)),
            'label file .* does not exist': dict(label_file='none.pbtxt')
    }.items():
        with pytest.raises(ValueError, match=message):
            METRICS.build(dict(base, **options))
    rows = Path(files.ann_file).read_text()
    for message, text in {
            'line 379: x1 is': rows + 'v0,900,a,0,1,1,1,0\n',
            'line 379: 7 columns': rows + 'v0,900,0,0,1,1,1\n',
            'line 379: action_id 5': rows + 'v0,900,0,0,1,1,5,0\n'
    }.items():
        Path(files.ann_file).write_text(text)
        with pytest.raises(DataError, match=message):
            evaluate('AVAFrameMAP', files.samples, files, num_classes=5)
    Path(files.ann_file).write_text(rows)
    other = files._replace(label_file=write_map(tmp_path / 'b', [70]))
    with pytest.raises(DataError, match='No row of .* 1 evaluated classes'):
        evaluate('AVAFrameMAP', [box_sample(columns=81)], other)


def test_half_precision_on_the_way(tmp_path):
    files = make_ava(tmp_path, 0, num_classes=4)
    for sample in files.samples:
        pred = sample['pred_instances']
        pred['scores'] = pred['scores'].to(torch.bfloat16)
    assert evaluate(
        'AVAFrameMAP', files.samples, files, num_classes=5)['mAP/overall'] > 0
