# Copyright (c) mmevad authors. All rights reserved.
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import METRICS
from mmengine.logging import MMLogger

from mmevad.utils import DataError
from . import tube_reference as reference
from .ava_files import sample_of
from .tube_samples import random_detections, random_tubes

FIXTURE = Path(__file__).parents[1] / 'data' / 'eval_multisports'
# How mmaction2 links
MMACTION = dict(
    iou_thr=.5,
    iou_weight=0,
    max_gap=1,
    nms_iou_thr=.6,
    min_length=15,
    min_tube_score=.005,
    min_score=1e-6)


def evaluate(ann_file, samples, size=None, **kwargs):
    metric = METRICS.build(dict(type='TubeMAP', ann_file=ann_file, **kwargs))
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(len(samples) if size is None else size)


def multisports(one_score):
    """Data samples of mmaction2's fixture."""
    video, = json.loads((FIXTURE / 'gt.json').read_text())['nframes']
    rows = json.loads((FIXTURE / 'detections.json').read_text())
    by_frame = {}
    # mmaction2 takes boxes of equal score from the last to the first
    for frame, label, score, *box in reversed(rows):
        scores = np.zeros(67)
        scores[1 + label] = rows[-1][2] if one_score else score
        by_frame.setdefault(frame, []).append((box, scores))
    return [
        sample_of((video, frame), [box for box, _ in found],
                  scores=[scores for _, scores in found])
        for frame, found in by_frame.items()
    ]


@pytest.mark.parametrize('one_score, expected, tenths', [
    (True, [37.5, 37.5, 25.], 29.1667),
    (False, [50., 50., 37.5], 40.2778),
])
def test_fixture_of_mmaction2(one_score, expected, tenths):
    """The published numbers, and those that its linking should give.

    ``link_tubes`` of mmaction2 1.2 gives each box the score of the last one;
    with the boxes' own, its functions give the second line.
    """
    thresholds = [.2, .5, .75, *np.arange(1, 10) / 10]
    got = evaluate(
        str(FIXTURE / 'gt.json'),
        multisports(one_score),
        video_iou_thrs=thresholds,
        min_score=1e-6,
        linking=MMACTION)
    found = [100 * got[f'video-mAP@{x:g}'] for x in thresholds]
    assert found[:3] == pytest.approx(expected)
    assert np.mean(found[3:]) == pytest.approx(tenths, abs=1e-4)
    if not one_score:
        assert 100 * got['frame-mAP@0.5'] == pytest.approx(83.6506, abs=1e-4)


@pytest.fixture
def made_up(tmp_path):
    """A tube file with six test videos, and boxes on all of their frames."""
    rng = np.random.default_rng(3)
    gts = random_tubes(rng)
    dets = random_detections(rng, gts, levels=64)
    names = [f'run/v{i}' for i in range(6)]
    gttubes = {name: {} for name in names}
    for video, label, _, tube in gts:
        gttubes[names[video]].setdefault(str(label), []).append(
            [[frame, *box] for frame, box in tube.items()])
    path = tmp_path / 'gt.json'
    content = dict(
        labels=['run', 'jump', 'sit', 'fly'],
        gttubes=gttubes,
        nframes={name: 60
                 for name in names},
        test_videos=[names],
        resolution={name: [100, 200]
                    for name in names})
    path.write_text(
        json.dumps(
            content,
            default=lambda x: x.tolist()
            if isinstance(x, np.ndarray) else float(x)))
    by_key = {
        (video, frame): []
        for video, _, _, tube in gts
        for frame in tube
    }
    for video, frame, box, scores in dets:
        box = (box / [200, 100, 200, 100]).clip(0, 1)
        by_key[video, frame].append(
            (box, [0] + [scores.get(i, 0) for i in range(4)]))
    samples = [
        sample_of((names[video], frame),
                  np.array([box for box, _ in found]).reshape(-1, 4),
                  scores=np.array([x for _, x in found]).reshape(-1, 5))
        for (video, frame), found in by_key.items()
    ]
    return str(path), samples


def plain(path, samples):
    """Ground truth and detections as the reference takes them."""
    content = json.loads(Path(path).read_text())
    names, size = content['test_videos'][0], np.array([200, 100, 200, 100])
    gts = [(names.index(name), int(label), 1., {
        int(f): np.clip(box / size, 0, 1)
        for f, *box in tube
    }) for name, by_label in content['gttubes'].items()
           for label, many in by_label.items() for tube in many]
    dets = []
    for sample in samples:
        found = sample['pred_instances']
        key = (names.index(sample['video_id']), sample['timestamp'])
        for box, scores in zip(found['bboxes'].numpy(),
                               found['scores'].numpy()):
            dets.append((*key, box, dict(enumerate(scores[1:].tolist()))))
    return gts, dets


@pytest.mark.parametrize('mode', ['area', '11points'])
def test_equals_one_by_one(made_up, mode):
    path, samples = made_up
    linking = dict(min_length=2, iou_weight=1)
    got = evaluate(path, samples, ap_mode=mode, linking=linking)
    gts, dets = plain(path, samples)
    tubes = reference.link(dets, 4, **linking)
    coco = [x / 100 for x in range(50, 100, 5)]
    frame = [reference.frame_ap(gts, dets, c, .5, mode) for c in range(3)]
    video = {
        x:
        np.mean([reference.video_ap(gts, tubes, c, x, mode) for c in range(3)])
        for x in (.2, .5, .75, *coco)
    }
    assert got == pytest.approx(
        {
            'frame-mAP@0.5': np.mean(frame),
            'video-mAP@0.2': video[.2],
            'video-mAP@0.5': video[.5],
            'video-mAP@0.75': video[.75],
            'video-mAP@0.5:0.95': np.mean([video[x] for x in coco])
        },
        abs=1e-6)


def test_order_of_samples_and_padding(made_up):
    """A sampler repeats the first frames at the end; mmengine cuts them."""
    path, samples = made_up
    expected = evaluate(path, samples)
    padded = samples + samples[:3]
    assert evaluate(path, padded, len(samples)) == expected
    with pytest.raises(DataError, match='predicted 2 times'):
        evaluate(path, padded)


def test_prefix_and_other_thresholds(made_up):
    path, samples = made_up
    got = evaluate(
        path, samples, prefix='tube', frame_iou_thr=.75, video_iou_thrs=())
    assert list(got) == ['tube/frame-mAP@0.75']


def test_least_score_and_best_boxes(made_up):
    """No box is left out by default, not even with score 0."""
    path, samples = made_up
    expected = evaluate(path, samples)
    assert evaluate(path, samples, min_score=0., top_k=99) == expected
    few = evaluate(path, samples, min_score=.5)
    assert few['frame-mAP@0.5'] != expected['frame-mAP@0.5']
    few = evaluate(path, samples, top_k=1)
    assert few['frame-mAP@0.5'] != expected['frame-mAP@0.5']


def test_logs_every_class(made_up, monkeypatch):
    path, samples = made_up
    lines = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, '_log',
                        lambda _, text, *__, **___: lines.append(text))
    got = evaluate(path, samples)
    table = lines[-1].splitlines()
    assert [row.split()[0]
            for row in table[2:]] == ['run', 'jump', 'sit', 'fly', 'mean']
    assert table[-1].split()[1] == f'{100 * got["frame-mAP@0.5"]:.2f}'
    assert set(table[-2].split()[1:]) == {'-', '0'}


def test_every_class_is_reported_if_wanted(made_up):
    path, samples = made_up
    plain = evaluate(path, samples)
    full = evaluate(path, samples, per_class=True)
    extra = {k: v for k, v in full.items() if k not in plain}
    # nobody flies in the ground truth
    assert list(extra) == ['AP/run', 'AP/jump', 'AP/sit']
    assert np.mean(list(extra.values())) == pytest.approx(
        plain['frame-mAP@0.5'])


def test_every_frame_must_be_predicted(made_up):
    path, samples = made_up
    with pytest.raises(DataError) as error:
        evaluate(path, samples[:5] + samples[7:])
    name = '{},{:04d}'.format(samples[5]['video_id'], samples[5]['timestamp'])
    assert f'2 of the {len(samples)} frames' in str(error.value)
    with pytest.raises(DataError, match='were not predicted'):
        evaluate(path, samples, all_frames=True)
    with pytest.raises(DataError, match='were not predicted'):
        evaluate(path, [])
    assert name.split(',')[0] in str(error.value)


def test_no_other_frame_may_be_predicted(made_up):
    path, samples = made_up
    for key in (('run/v0', 60), ('run/v9', 1), ('run/v0', 61)):
        other = sample_of(key, np.zeros((0, 4)), scores=np.zeros((0, 5)))
        with pytest.raises(
                DataError, match='1 of .* predicted frames are '
                'not') as error:
            evaluate(path, [*samples, other])
        assert '{},{:04d}'.format(*key) in str(error.value)
    with pytest.raises(DataError, match='keyframe_interval=2'):
        evaluate(path, samples, keyframe_interval=2)


def test_wrong_number_of_classes(made_up):
    path, samples = made_up
    wrong = sample_of(('run/v0', 1), np.zeros((1, 4)), scores=np.zeros((1, 4)))
    with pytest.raises(DataError, match='background'):
        evaluate(path, [wrong])


def test_warns_of_tubes_that_are_too_short(made_up, monkeypatch):
    path, samples = made_up
    lines = []
    monkeypatch.setattr(
        MMLogger.get_current_instance(), '_log',
        lambda level, text, *_, **__: lines.append((level, text)))
    evaluate(path, samples)
    gts, _ = plain(path, samples)
    short = sum(len(tube) < 15 for *_, tube in gts)
    # mmengine warns that there is no prefix
    level, text = lines[-2]
    assert level == logging.WARNING
    assert text.startswith(f'{short} of the {len(gts)} annotated tubes')
    lines.clear()
    evaluate(path, samples, linking=dict(min_length=1))
    assert not any('annotated tubes' in text for _, text in lines)


@pytest.mark.parametrize('wrong', [
    dict(frame_iou_thr=0.),
    dict(video_iou_thrs=(.5, 1.5)),
    dict(linking=dict(max_gap=0)),
    dict(ap_mode='12points'),
    dict(keyframe_interval=0)
])
def test_wrong_settings_before_anything_is_predicted(wrong):
    with pytest.raises(ValueError, match='must be'):
        METRICS.build(dict(type='TubeMAP', ann_file='none.json', **wrong))
