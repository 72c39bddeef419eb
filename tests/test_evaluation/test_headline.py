# Copyright (c) mmevad authors. All rights reserved.
"""What ``save_best='auto'`` of CheckpointHook makes of our metrics."""
import json

import pytest
import torch
from mmaction.registry import METRICS
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmevad.engine import SafeCheckpointHook
from tests import toy  # noqa: F401, registers
from .ava_files import make_ava, sample_of

BOX = [.1, .1, .5, .5]


def segment_metric(folder):
    rows = [dict(segment=[i, i + 10], label='run') for i in (0, 20)]
    path = folder / 'gt.json'
    path.write_text(
        json.dumps(
            dict(
                classes=['run'],
                database=dict(v=dict(subset='test', annotations=rows)))))
    metric = METRICS.build(dict(type='SegmentMAP', ann_file=str(path)))
    metric.dataset_meta = dict(classes=('run', ))
    return metric


def segment_samples(*segments):
    count = len(segments)
    return [
        dict(
            video_name='v',
            pred_instances=dict(
                segments=torch.tensor(segments),
                scores=torch.linspace(.9, .8, count),
                labels=torch.zeros(count, dtype=torch.long)))
    ]


def ava_metric(folder):
    files = make_ava(folder, 0, num_classes=4)
    metric = METRICS.build(
        dict(
            type='AVAFrameMAP',
            ann_file=files.ann_file,
            exclude_file=None,
            label_file=files.label_file,
            num_classes=5))
    return metric, files.samples


def tube_metric(folder):
    path = folder / 'tubes.json'
    path.write_text(
        json.dumps(
            dict(
                labels=['run'],
                gttubes=dict(v={'0': [[[1, 1, 1, 5, 5], [2, 1, 1, 5, 5]]]}),
                nframes=dict(v=2),
                test_videos=[['v']],
                train_videos=[[]],
                resolution=dict(v=[10, 10]))))
    samples = [
        sample_of(('v', frame), [BOX], scores=[[0, .5]]) for frame in (1, 2)
    ]
    return METRICS.build(dict(type='TubeMAP', ann_file=str(path))), samples


def person_metric(folder):
    path = folder / 'gt.csv'
    path.write_text('a,0902,0.1,0.1,0.5,0.5,12,0\n')
    samples = [sample_of(('a', 902), [BOX], person_scores=[.5])]
    return METRICS.build(dict(type='PersonAP', ann_file=str(path))), samples


def measure(metric, samples):
    metric.process(None, samples)
    return metric.evaluate(len(samples))


@pytest.fixture
def runner(tmp_path):
    cfg = Config.fromfile('tests/data/toy_config.py')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.experiment_name = tmp_path.name
    made = Runner.from_cfg(cfg)
    made.train_loop  # is built by asking for it
    return made


@pytest.mark.parametrize('kind', [CheckpointHook, SafeCheckpointHook])
def test_the_best_segments_are_those_of_the_average(kind, runner, tmp_path):
    metric = segment_metric(tmp_path)
    # IoU 0.35: found at the first of five thresholds only
    loose = measure(metric, segment_samples((0., 3.5), (20., 23.5)))
    assert (loose['mAP@0.30'], loose['mAP']) == pytest.approx((1, .2))
    # one of the two, exactly
    half = measure(metric, segment_samples((0., 10.)))
    assert (half['mAP@0.30'], half['mAP']) == pytest.approx((.5, .5))
    hook = kind(interval=1, save_best='auto')
    runner.model.init_weights()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    hook.before_train(runner)
    scores = []
    for metrics in (loose, half, loose):
        hook.after_val_epoch(runner, metrics)
        scores.append(runner.message_hub.get_info('best_score'))
        runner.train_loop._epoch += 1
    assert scores == pytest.approx([.2, .5, .5])
    found = [x.name for x in (tmp_path / 'work').glob('best_*.pth')]
    assert found == ['best_mAP_epoch_1.pth']


@pytest.mark.parametrize('make, headline', [
    (ava_metric, 'mAP/overall'),
    (tube_metric, 'frame-mAP@0.5'),
    (person_metric, 'person-AP@0.5'),
])
def test_the_first_metric_is_the_headline(make, headline, tmp_path):
    metrics = measure(*make(tmp_path))
    assert len(metrics) > 1 or make is ava_metric
    assert next(iter(metrics)) == headline
    assert metrics[headline] > 0
    hook = SafeCheckpointHook(interval=1, save_best='auto')
    hook._init_rule(hook.rules, [headline])  # as for the first evaluation
    assert hook.key_indicators == [headline]
    assert hook.is_better_than[headline](.5, .4)
