# Copyright (c) mmevad authors. All rights reserved.
"""The file of tools/test.py --dump."""
import os
import pickle
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmevad.evaluation import DumpPredictions
from mmevad.evaluation.dump_predictions import to_plain
from mmevad.utils import DataError
from mmevad.utils.safe_pickle import safe_pickle_loads
from .ava_files import AVA_NAMES, make_ava, write_map


def written(path):
    return safe_pickle_loads(path.read_bytes(), str(path))


def dump(path, samples):
    metric = DumpPredictions(str(path))
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_samples_become_plain_data(tmp_path):
    sample = ActionDataSample(
        metainfo=dict(
            video_name='v', img_shape=torch.Size([4, 5]), fps=np.float64(25)))
    sample.pred_instances = InstanceData(
        scores=torch.tensor([.5, .25], dtype=torch.bfloat16),
        labels=torch.tensor([1, 2]),
        good=torch.tensor([True, False]))
    evaluator = Evaluator(DumpPredictions(str(tmp_path / 'a.pkl')))
    evaluator.process([sample])
    assert evaluator.evaluate(1) == {}
    (found, ) = written(tmp_path / 'a.pkl')
    preds = found.pop('pred_instances')
    assert found == dict(video_name='v', img_shape=(4, 5), fps=25)
    assert {
        k: x.dtype.name
        for k, x in preds.items()
    } == dict(
        scores='float32', labels='int64', good='bool')
    assert {
        k: x.tolist()
        for k, x in preds.items()
    } == dict(
        scores=[.5, .25], labels=[1, 2], good=[True, False])


def test_a_part_of_a_tensor_takes_no_more_than_itself(tmp_path):
    whole = torch.zeros(1000, 100)
    dump(tmp_path / 'a.pkl', [dict(x=row[:2]) for row in whole[:3]])
    assert (tmp_path / 'a.pkl').stat().st_size < 600
    # in one piece, whatever its strides were
    assert to_plain([whole.T[3:5]])[0].shape == (2, 1000)


@pytest.mark.parametrize('count', [7, 41])
def test_what_was_added_for_other_processes_is_left_out(tmp_path, count):
    metric = DumpPredictions(str(tmp_path / 'a.pkl'))
    metric.process(None, [dict(i=i) for i in range(42)])
    metric.evaluate(count)
    assert written(tmp_path / 'a.pkl') == [dict(i=i) for i in range(count)]


def test_a_dump_gives_the_metrics_again(tmp_path):
    files = make_ava(tmp_path, 0)
    write_map(Path(files.label_file), range(1, 81), AVA_NAMES)
    for sample in files.samples:
        preds = sample['pred_instances']
        preds['person_scores'] = torch.rand(len(preds['bboxes']))
    metrics = [
        dict(
            type='AVAFrameMAP',
            ann_file=files.ann_file,
            label_file=files.label_file,
            exclude_file=None),
        dict(type='PersonAP', ann_file=files.ann_file)
    ]
    evaluator = Evaluator([METRICS.build(x) for x in metrics])
    before = evaluator.offline_evaluate(files.samples)
    dump(tmp_path / 'a.pkl', files.samples)
    after = evaluator.offline_evaluate(written(tmp_path / 'a.pkl'))
    assert len(before) == 6 and min(before.values()) > 0
    assert before == after


@pytest.fixture
def old(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(b'old')
    yield path
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['a.pkl']


def test_a_full_disk_leaves_the_old_file(old):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match='File too large'):
            dump(old, [dict(x=torch.zeros(1000))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_the_file_appears_when_it_is_complete(old, monkeypatch):
    seen = []

    def stop(data, file, protocol):
        pickle.Pickler(file, protocol).dump(data)
        file.flush()
        seen.append((old.read_bytes(), os.path.getsize(file.name)))
        raise KeyboardInterrupt

    monkeypatch.setattr('mmevad.evaluation.dump_predictions.pickle.dump', stop)
    with pytest.raises(KeyboardInterrupt):
        dump(old, [dict(x=torch.zeros(1000))])
    (content, size), = seen
    assert content == b'old' and size > 4000


def segment_map_with(path):
    return METRICS.build(
        dict(type='SegmentMAP', ann_file='gt.json', dump=path))


@pytest.mark.parametrize('make', [DumpPredictions, segment_map_with])
def test_unwritable_files_are_found_out_at_once(make, tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder.pkl').mkdir()
    for name, reason in (('file/a.pkl', 'Not a directory|File exists'),
                         ('folder.pkl', 'Is a directory')):
        path = str(tmp_path / name)
        with pytest.raises(
                DataError, match=rf'{path} cannot be written \(({reason})\)'):
            make(path)
    # what is there stays, and nothing else comes
    (tmp_path / 'good.pkl').write_text('old')
    make(str(tmp_path / 'good.pkl'))
    assert (tmp_path / 'good.pkl').read_text() == 'old'
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder.pkl', 'good.pkl']


def test_only_the_first_process_asks(tmp_path, monkeypatch):
    monkeypatch.setattr('mmevad.evaluation.dump_predictions.is_main_process',
                        lambda: False)
    DumpPredictions(str(tmp_path / 'other' / 'a.pkl'))
    assert not os.listdir(tmp_path)
