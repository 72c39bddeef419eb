# Copyright (c) mmevad authors. All rights reserved.
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmaction.visualization import ActionVisualizer
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.structures import InstanceData

from mmevad.engine import DetectionVisualizationHook
from mmevad.utils.errors import DataError
from mmevad.visualization.visualizer import DetectionVisualizer


def sample_of(number, **meta):
    sample = ActionDataSample()
    sample.set_metainfo(dict(video_id='v', timestamp=number, **meta))
    sample.pred_instances = InstanceData(
        scores=torch.zeros(1, 3),
        bboxes=torch.zeros(1, 4),
        person_scores=torch.zeros(1))
    return sample


class Recorder(DetectionVisualizer):

    def __init__(self, name='recorder'):
        self.calls = []

    def add_datasample(self, name, inputs, data_sample, **options):
        self.calls.append(dict(options, name=name, inputs=inputs))


def runner_of(loop=EpochBasedTrainLoop, **dataset):
    dataset.setdefault('metainfo', dict(classes=('run', 'sit')))
    loader = SimpleNamespace(dataset=SimpleNamespace(**dataset))
    return SimpleNamespace(
        visualizer=Recorder(),
        train_loop=loop.__new__(loop),
        epoch=4,
        iter=300,
        val_dataloader=loader,
        test_dataloader=loader)


def run(hook, runner, batches, kind='test'):
    """Batches of sample numbers."""
    hook.before_run(runner)
    getattr(hook, f'before_{kind}_epoch')(runner)
    for i, numbers in enumerate(batches):
        getattr(hook, f'after_{kind}_iter')(
            runner, i, dict(inputs=[torch.tensor(n) for n in numbers]),
            [sample_of(n) for n in numbers])
    return runner.visualizer.calls


def test_every_third_sample_also_over_uneven_batches():
    hook = HOOKS.build(
        dict(type='DetectionVisualizationHook', enable=True, interval=3))
    runner = runner_of()
    calls = run(hook, runner, [[0, 1], [2, 3, 4], [5, 6, 7, 8, 9]])
    assert [x['name']
            for x in calls] == ['v 0000', 'v 0003', 'v 0006', 'v 0009']
    assert [int(x['inputs']) for x in calls] == [0, 3, 6, 9]
    assert calls[0]['classes'] == ['run', 'sit'] and calls[0]['step'] == 0
    # the next epoch begins to count anew
    assert len(run(hook, runner, [[0, 1], [2]])) == 5


def test_validation_is_logged_under_the_epoch_or_iteration():
    hook = DetectionVisualizationHook(enable=True)
    assert run(hook, runner_of(), [[0]], 'val')[0]['step'] == 4
    runner = runner_of(IterBasedTrainLoop)
    assert run(hook, runner, [[0]], 'val')[0]['step'] == 300


def test_off_by_default_with_any_visualizer():
    hook = DetectionVisualizationHook()
    runner = runner_of()
    assert run(hook, runner, [[0, 1]]) == []
    runner.visualizer = ActionVisualizer('another-visualizer')
    hook.before_run(runner)
    with pytest.raises(DataError, match='visualizer is ActionVisualizer; set'):
        DetectionVisualizationHook(enable=True).before_run(runner)


def test_names_come_from_the_label_file_of_wrapped_datasets(tmp_path):
    path = tmp_path / 'map.pbtxt'
    path.write_text('item {\n  name: "run"\n  id: 3\n}\n'
                    'item {\n  name: "sit"\n  id: 5\n}\n')
    inner = SimpleNamespace(
        metainfo={}, label_file=str(path), custom_classes=[0, 5, 3])
    hook = DetectionVisualizationHook(enable=True)
    calls = run(hook, runner_of(dataset=inner), [[0]])
    assert calls[0]['classes'] == ['sit', 'run']


def test_settings_reach_the_visualizer(tmp_path):
    hook = DetectionVisualizationHook(
        True, score_thr=.5, top_k=1, max_segments=7, out_dir='there')
    call, = run(hook, runner_of(), [[0]])
    assert (call['score_thr'], call['top_k'], call['max_segments'],
            call['out_dir'], call['show']) == (.5, 1, 7, 'there', False)
    with pytest.raises(ValueError, match='interval must be at least 1'):
        DetectionVisualizationHook(interval=0)


def test_samples_without_a_name_are_refused():
    hook, runner = DetectionVisualizationHook(enable=True), runner_of()
    sample = sample_of(0)
    del sample.timestamp
    with pytest.raises(DataError, match="'video_id' and 'timestamp'"):
        hook.after_test_iter(runner, 0, dict(inputs=[torch.zeros(1)]),
                             [sample])
