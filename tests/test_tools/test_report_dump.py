# Copyright (c) mmevad authors. All rights reserved.
"""From tools/test.py --dump to a report, for both models."""
import importlib.util
import json
import pickle
import re
import runpy
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from mmevad.utils.safe_pickle import safe_pickle_loads
from mmevad.visualization.report import ReportOptions, build_report
from tests.test_apis.small import FPS, LENGTH, NAMES
from tests.test_apis.tal import (CHANNELS, CLASSES, make_tal_config,
                                 write_tal_weights)
from .evad_clips import make_clips
from .report_runs import write_json

SPEC = importlib.util.spec_from_file_location('report',
                                              'tools/analysis/report.py')
report = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(report)


def data_of(page):
    return json.loads(
        re.search('<script[^>]*id="data"[^>]*>(.*?)</script>', page,
                  re.DOTALL).group(1))


def run_test(monkeypatch, *arguments):
    """tools/test.py in this process."""
    MMLogger._instance_dict.clear()
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', ['test.py', *map(str, arguments)])
    runpy.run_path('tools/test.py', run_name='__main__')


def metrics_again(config, dump):
    """What the evaluators of a config make of a dump."""
    cfg = Config.fromfile(config)
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = dict(classes=CLASSES)
    return evaluator.offline_evaluate(
        safe_pickle_loads(dump.read_bytes(), 'dump'))


def metrics_of(work):
    (path, ) = work.glob('*/[0-9]*.json')
    found = json.loads(path.read_text())
    return {k: v for k, v in found.items() if not k.endswith('time')}


@pytest.fixture(scope='module')
def evad(tmp_path_factory):
    """Config, checkpoint, work directory and dump of a detector."""
    root = tmp_path_factory.mktemp('evad')
    config, checkpoint = make_clips(root)
    with open(config, 'a') as file:
        file.write("\nmodel = dict(person_score_thr=0.)\n"
                   'test_evaluator = dict(\n'
                   f"    ann_file={str(root / 'boxes.csv')!r},\n"
                   f"    label_file={str(root / 'map.pbtxt')!r})\n"
                   'test_dataloader.update(num_workers=0, '
                   'persistent_workers=False)\n')
    dump = root / 'out.pkl'
    with pytest.MonkeyPatch.context() as patch:
        run_test(patch, config, checkpoint, '--work-dir', root / 'work',
                 '--dump', dump)
    return config, checkpoint, root / 'work', dump


@pytest.fixture(scope='module')
def tal(tmp_path_factory):
    """The same of a localizer, of two videos."""
    root = tmp_path_factory.mktemp('tal')
    rng = np.random.default_rng(0)
    database = {}
    for name in 'vw':
        np.save(root / f'{name}.npy',
                rng.standard_normal((12, CHANNELS), np.float32))
        database[name] = dict(
            subset='test',
            duration=LENGTH / FPS,
            fps=FPS,
            annotations=[dict(segment=[.4, 1.04], label='run')])
    ann = write_json(root / 'gt.json',
                     dict(database=database, classes=list(CLASSES)))
    cfg = make_tal_config(
        ann_file=ann, data_prefix=dict(feat=str(root)), test_mode=True)
    cfg.test_dataloader.update(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False))
    cfg.custom_imports = dict(imports=['mmevad'])
    cfg.test_cfg = dict(type='TestLoop')
    cfg.test_evaluator = dict(
        type='SegmentMAP', ann_file=ann, dump=str(root / 'out.json'))
    cfg.dump(str(root / 'config.py'))
    checkpoint = write_tal_weights(root / 'a.pth', cfg)
    dump = root / 'out.pkl'
    with pytest.MonkeyPatch.context() as patch:
        run_test(patch, root / 'config.py', checkpoint, '--work-dir',
                 root / 'work', '--dump', dump)
    return root / 'config.py', checkpoint, root / 'work', dump


def test_persons_are_those_of_the_model(evad):
    config, checkpoint, work, dump = evad
    pages = []
    for given in (dict(predictions=[str(dump)]), dict(checkpoint=checkpoint)):
        options = ReportOptions(str(work), device='cpu', **given)
        pages.append(data_of(build_report(options).page))
    assert pages[0]['classes'] == pages[1]['classes'] == list(NAMES)
    found, again = (x['videos'][0]['keyframes'] for x in pages)
    assert [x['frame'] for x in found] == [7, 19]
    assert [x['frame'] for x in again] == [7, 19]
    for first, second in zip(found, again):
        assert len(first['people']) == len(second['people']) > 5
        assert first['people'][0]['score'] == pytest.approx(
            second['people'][0]['score'], abs=2e-4)
        boxes = [[x['box'] for x in row['people']] for row in (first, second)]
        np.testing.assert_allclose(*boxes, atol=1e-3)
        assert first['people'][0]['actions'][0][1] == pytest.approx(
            second['people'][0]['actions'][0][1], abs=2e-4)


def test_segments_are_those_of_the_json(tal, capsys):
    config, _, work, dump = tal
    out = work / 'report.html'
    pages = []
    for path in (dump, dump.with_suffix('.json')):
        report.main([
            str(work), '--predictions',
            str(path), '--score-thr', '0', '--top-k', '10'
        ])
        pages.append(data_of(out.read_text()))
    assert 'Predictions' not in capsys.readouterr().out
    for first, second in zip(pages[0]['videos'], pages[1]['videos']):
        assert len(first['segments']) == 10
        assert first['duration'] == pytest.approx(LENGTH / FPS)
        assert len(first['truthSegments']) == 1
        for one, two in zip(first['segments'], second['segments']):
            assert one['label'] == two['label']
            assert one['score'] == pytest.approx(two['score'], abs=1e-4)
            assert one['start'] == pytest.approx(two['start'], abs=1e-4)
    surest = pages[0]['videos'][0]['segments']
    middle = surest[5]['score']
    report.main([
        str(work), '--predictions',
        str(dump), '--score-thr',
        str(middle), '--only', pages[0]['videos'][0]['name']
    ])
    (video, ) = data_of(out.read_text())['videos']
    assert all(x['score'] >= middle for x in video['segments'])
    assert len(video['segments']) >= 5


@pytest.mark.parametrize('made', ['evad', 'tal'])
def test_a_dump_is_measured_again(made, request):
    config, _, work, dump = request.getfixturevalue(made)
    metrics = metrics_of(work)
    assert len(metrics) >= 1
    assert metrics_again(config, dump) == pytest.approx(metrics, abs=1e-6)


WRONG = {
    'tensors': ([dict(video_name='v',
                      x=torch.ones(2))], r'it asks for torch\S+; only numpy'),
    'no list': (dict(a=1), 'holds no predictions of EVAD or ActionFormer'),
    'empty': ([], 'holds no predictions'),
    'no samples': ([1, 2], 'holds no predictions'),
    'no prediction': ([dict(video_name='v')], "KeyError: 'pred_instances'"),
    'no keyframe': ([dict(video_id='v')], 'holds no predictions'),
    'number': ([
        dict(
            video_name=3,
            pred_instances=dict(segments=[], scores=[], labels=[]))
    ], 'video_name 3 is no text'),
    'lengths': ([
        dict(
            video_name='v',
            pred_instances=dict(segments=[[0, 1]], scores=[.5], labels=[]))
    ], 'video v: segments, scores and labels differ'),
    'order': ([
        dict(
            video_name='v',
            pred_instances=dict(segments=[[2, 1]], scores=[.5], labels=[0]))
    ], r'prediction 0: the segment \[2.0, 1.0\] is not'),
    'label': ([
        dict(
            video_name='v',
            pred_instances=dict(segments=[[0, 1]], scores=[.5], labels=[-1]))
    ], 'a label is negative'),
}


@pytest.mark.parametrize('case', WRONG)
def test_another_pickle_is_one_sentence(case, tal, tmp_path):
    content, message = WRONG[case]
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(SystemExit) as error:
        report.main([str(tal[2]), '--predictions', str(path)])
    text = str(error.value)
    assert re.search(message, text) and str(path) in text
    assert 'tools/test.py CONFIG CHECKPOINT --dump' in text


def test_a_detector_needs_its_dataset(evad, tal, tmp_path):
    dump = evad[3]
    (tmp_path / '20260101_000000').mkdir()
    with pytest.raises(SystemExit, match='give it with --config'):
        report.main([str(tmp_path), '--predictions', str(dump)])
    samples = safe_pickle_loads(dump.read_bytes(), 'dump')
    samples[0]['timestamp'] = 9
    path = tmp_path / 'other.pkl'
    path.write_bytes(pickle.dumps(samples))
    with pytest.raises(SystemExit, match='lacks the keyframe run/v,0009'):
        report.main([str(evad[2]), '--predictions', str(path)])
    with pytest.raises(SystemExit, match='x.pkl does not exist'):
        report.main([str(evad[2]), '--predictions', 'x.pkl'])
