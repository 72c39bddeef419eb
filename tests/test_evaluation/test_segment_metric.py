# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmevad.evaluation import segment_map
from mmevad.utils import DataError
from mmevad.utils.errors import ConfigError
from .reference import random_segments

ROOT = Path(__file__).parents[2]
NAMES = ('jump', 'run', 'walk')
spec = importlib.util.spec_from_file_location(
    'eval_segments', ROOT / 'tools/analysis/eval_segments.py')
eval_segments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(eval_segments)


@pytest.fixture
def gts():
    return random_segments(np.random.default_rng(0), 40, 4, 3)


@pytest.fixture
def preds():
    return random_segments(np.random.default_rng(1), 150, 4, 4, scores=True)


@pytest.fixture
def ann_file(gts, tmp_path):
    database = {
        f'v{video}':
        dict(
            subset='test',
            annotations=[
                dict(
                    label=NAMES[gts.labels[row]],
                    label_id=int(gts.labels[row]),
                    segment=gts.segments[row].tolist())
                for row in np.flatnonzero(gts.videos == video)
            ])
        for video in range(4)
    }
    path = tmp_path / 'gt.json'
    path.write_text(json.dumps(dict(database=database)))
    return str(path)


def samples_of(preds):
    """One data sample for each video."""
    for video in range(4):
        rows = preds.take(preds.videos == video)
        sample = ActionDataSample(metainfo=dict(video_name=f'v{video}'))
        sample.pred_instances = InstanceData(
            segments=torch.from_numpy(rows.segments).float(),
            scores=torch.from_numpy(rows.scores).float(),
            labels=torch.from_numpy(rows.labels))
        yield sample


def evaluate(samples, classes=NAMES, **options):
    evaluator = Evaluator(METRICS.build(dict(type='SegmentMAP', **options)))
    evaluator.dataset_meta = dict(classes=classes)
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def test_metrics_of_data_samples(gts, preds, ann_file):
    got = evaluate(
        list(samples_of(preds)),
        ann_file=ann_file,
        subset='Test',
        tious=(.3, .5),
        recall_tious=(.5, ),
        remove_duplicates=False,
        per_class=True)
    preds = preds.take(np.argsort(preds.videos, kind='stable'))
    rounded = preds.scores.astype(np.float32).astype(np.float64)
    expected = segment_map(gts, preds._replace(scores=rounded), (.3, .5))
    assert got.pop('ignored_predictions') == (preds.labels == 3).sum()
    assert got == pytest.approx(
        {
            'mAP@0.30': expected.mean_ap[0],
            'mAP@0.50': expected.mean_ap[1],
            'mAP': expected.average,
            'recall@1x_tIoU=0.50': expected.mean_recall[1, 0],
            'recall@5x_tIoU=0.50': expected.mean_recall[1, 1],
            'AP/jump': expected.ap[:, 0].mean(),
            'AP/run': expected.ap[:, 1].mean(),
            'AP/walk': expected.ap[:, 2].mean(),
        },
        abs=1e-12)


def test_dump_scores_the_same(preds, ann_file, tmp_path, capsys):
    dump = str(tmp_path / 'out' / 'results.json')
    got = evaluate(
        list(samples_of(preds)),
        ann_file=ann_file,
        classes=NAMES + ('fly', ),
        dump=dump)
    rows = json.loads(Path(dump).read_text())['results']
    assert sorted(rows) == ['v0', 'v1', 'v2', 'v3']
    assert sum(map(len, rows.values())) == 150
    assert {x['label'] for x in rows['v0']} == {*NAMES, 'fly'}
    scores = eval_segments.main([ann_file, dump, '--per-class'])
    assert scores.average == got['mAP']
    assert f'{100 * got["mAP"]:.2f}' in capsys.readouterr().out


def test_command_line_options(preds, ann_file, tmp_path):
    results = {
        f'{video}': [
            dict(label=NAMES[0], score=s, segment=x)
            for s, x in zip(rows.scores.tolist(), rows.segments.tolist())
        ]
        for video in range(6)
        for rows in [preds.take(preds.videos == video % 4)]
    }
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(dict(results=results)))
    base = [ann_file, str(path), '--video-prefix', 'v', '--tious', '0.5']
    base += ['--recall-k', '2', '--recall-tious', '0.3', '0.5']
    counted = eval_segments.main(base)
    scores = eval_segments.main([*base, '--known-videos-only'])
    assert scores.ap.shape == (1, 3) and scores.recall.shape == (2, 1, 3)
    assert scores.num_preds[0] == 150 < counted.num_preds[0]
    assert scores.average > counted.average
    with pytest.raises(SystemExit, match='does not exist'):
        eval_segments.main([ann_file, 'none.json'])


def test_says_what_is_missing(preds, ann_file, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    samples = list(samples_of(preds))
    evaluate(samples[:3], ann_file=ann_file)
    assert '1 of 4 annotated videos have no predictions' in caplog.text
    assert 'are ignored: the ground truth lacks their 1 labels' in caplog.text
    caplog.clear()
    evaluate(samples, ann_file=ann_file)
    assert 'have no predictions' not in caplog.text
    logger.removeHandler(caplog.handler)


def test_nan_from_the_model_names_video_and_row(preds, ann_file):
    samples = list(samples_of(preds))
    samples[1].pred_instances.scores[2] = float('nan')
    with pytest.raises(DataError, match='video v1, prediction 2: the score'):
        evaluate(samples, ann_file=ann_file)


def test_a_video_twice(preds, ann_file):
    samples = list(samples_of(preds))
    with pytest.raises(DataError, match='v0 was predicted 2 times'):
        evaluate(samples + samples[:1], ann_file=ann_file)


def test_video_without_predictions(preds, ann_file):
    samples = list(samples_of(preds))
    for sample in samples:
        sample.pred_instances = sample.pred_instances[:0]
    assert evaluate(samples, ann_file=ann_file)['mAP'] == 0


def test_registered_and_ann_file_needed():
    assert 'SegmentMAP' in METRICS.module_dict
    with pytest.raises(ConfigError, match='ann_file'):
        METRICS.build(dict(type='SegmentMAP'))


def test_names_need_numbers(preds, tmp_path):
    path = tmp_path / 'gt.json'
    rows = [dict(label='jump', segment=[0, 1])]
    path.write_text(json.dumps(dict(v0=dict(annotations=rows))))
    samples = list(samples_of(preds))
    with pytest.raises(DataError, match='no label_id'):
        evaluate(samples, ann_file=str(path), classes=None)
    assert evaluate(samples, ann_file=str(path))['mAP'] >= 0
