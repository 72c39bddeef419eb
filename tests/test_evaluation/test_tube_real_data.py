# Copyright (c) mmevad authors. All rights reserved.
"""UCF101-24 and JHMDB: numbers of the real annotation, and of plain loops.

Run where the environment variable MMEVAD_DATA names a folder with them.
"""
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmevad.datasets.tubes import load_tubes
from mmevad.evaluation import (FrameDetections, Linking, frame_map, link_tubes,
                               video_map)
from mmevad.evaluation.tube_truth import read_tube_truth
from . import tube_reference as reference
from .ava_files import sample_of
from .test_tube_metric import evaluate
from .tube_samples import as_detections, as_plain, as_table

DATA = os.environ.get('MMEVAD_DATA', '')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason='MMEVAD_DATA is not set')
]
UCF = Path(DATA, 'ucf101_24', 'UCF101v2-GT-like_all3194.pkl.xz')
JHMDB = Path(DATA, 'jhmdb', 'JHMDB-GT-split1test.pkl')
THRESHOLDS = (.2, .5, .75, .95)


@pytest.fixture(scope='module')
def truth():
    return read_tube_truth(load_tubes(str(UCF)))


def samples_of(tubes, videos, num_classes):
    """Data samples with a score for the true class of each box."""
    names = list(videos)
    found = {}
    for video, label, score, tube in as_plain(tubes):
        scores = score * np.eye(1 + num_classes)[1 + label]
        for frame, box in tube.items():
            found.setdefault((names[video], frame), []).append((box, scores))
    return [
        sample_of(key, [box for box, _ in many], scores=[x for _, x in many])
        for key, many in found.items()
    ]


def test_ucf101_24_ground_truth_is_perfect(truth):
    """All tubes as tubes, all boxes as boxes."""
    assert len(truth.videos) == 910 and len(truth.keys) == 138527
    scores = video_map(truth.tubes, truth.tubes, 24, THRESHOLDS)
    assert scores.ap.min() == 1 and scores.num_gts.sum() == 1315
    samples = samples_of(truth.tubes, truth.videos, 24)
    for iou_thr in (.5, .95):
        got = evaluate(
            str(UCF), samples, frame_iou_thr=iou_thr, video_iou_thrs=())
        assert got == {f'frame-mAP@{iou_thr}': 1}


def test_ucf101_24_linked_ground_truth(truth):
    """What linking can reach that does not know who is who."""
    samples = samples_of(truth.tubes, truth.videos, 24)
    got = evaluate(str(UCF), samples, min_score=.5)
    assert got['frame-mAP@0.5'] == 1
    assert got['video-mAP@0.5'] == pytest.approx(.931, abs=1e-3)


def test_ucf101_24_shaken(truth):
    """Shifted, thinned and mislabelled tubes, as boxes and as tubes."""
    rng = np.random.default_rng(0)
    gts = as_plain(truth.tubes)
    tubes, dets = [], []
    for video, label, _, tube in gts:
        if rng.random() < .2:
            label = int(rng.integers(24))
        shift = rng.normal(0, .02, 4)
        kept = [f for f in tube if rng.random() < .9] or list(tube)
        tubes.append((video, label, rng.random(), {
            f: tube[f] + shift
            for f in kept
        }))
        dets += [(video, f, tube[f] + rng.normal(0, .02, 4), {
            label: rng.random()
        }) for f in kept]
    table = as_table(tubes)
    got = video_map(truth.tubes, table, 24, THRESHOLDS)
    filled = [(*rest, reference.fill([(f, 0, b) for f, b in tube.items()]))
              for *rest, tube in tubes]
    expected = [[reference.video_ap(gts, filled, c, x) for c in range(24)]
                for x in THRESHOLDS]
    np.testing.assert_allclose(got.ap, expected, atol=1e-9)
    got = frame_map(truth.boxes, as_detections(dets, 24), (.5, .75))
    expected = [[_frame_ap(gts, dets, c, x) for c in range(24)]
                for x in (.5, .75)]
    np.testing.assert_allclose(got.ap, expected, atol=1e-9)


def _frame_ap(gts, dets, label, threshold):
    """With few detections in each of the reference's lists."""
    return reference.frame_ap([x for x in gts if x[1] == label],
                              [x for x in dets if label in x[3]], label,
                              threshold)


def test_ucf101_24_links_as_one_by_one(truth):
    """Noisy boxes of 40 videos with two or more people."""
    rng = np.random.default_rng(0)
    chosen = np.flatnonzero(np.bincount(truth.tubes.videos) > 1)[:40]
    dets = [(video, f, box + rng.normal(0, .02, 4), {
        label: rng.random()
    }) for video, label, _, tube in as_plain(truth.tubes) if video in chosen
            for f, box in tube.items()]
    for settings in (dict(), dict(iou_weight=1, nms_iou_thr=.3, min_length=1)):
        table = link_tubes(as_detections(dets, 24), Linking(**settings))
        expected = reference.link(dets, 24, **settings)
        assert sorted(table.scores) == pytest.approx(
            sorted(x[2] for x in expected), abs=1e-12)


def test_jhmdb_persons_with_the_clip_label():
    """Faster R-CNN persons, split 1: 93.91, as an independent script says."""

    def read(name):
        with gzip.open(Path(DATA, 'jhmdb', name)) as file:
            return json.load(file)

    tubes = load_tubes(str(JHMDB))
    videos = {x.split('/')[1]: x for x in tubes.gttubes}
    found = {
        x['id']: (videos[x['movie']], int(x['timestamp']), [])
        for x in read('jhmdb_test_gt_min.json.gz')['images']
    }
    for row in read('jhmdb_faster_RCNN_person.json.gz'):
        found[row['image_id']][2].append(row)
    samples = []
    for video, frame, many in found.values():
        label, = tubes.gttubes[video]
        scores = np.zeros((len(many), 22))
        scores[:, 1 + label] = [float(x['score']) for x in many]
        boxes = np.array([x['bbox'] for x in many]).reshape(-1, 4)
        samples.append(
            sample_of((video, frame),
                      boxes / [320, 240, 320, 240],
                      scores=scores))
    assert len(samples) == 9139 and len(tubes.test_videos[0]) == 268
    got = evaluate(str(JHMDB), samples, min_score=1e-9)
    assert got['frame-mAP@0.5'] == pytest.approx(.939113, abs=1e-5)
    truth = read_tube_truth(tubes)
    boxes = truth.boxes._replace(labels=np.zeros_like(truth.boxes.labels))
    rows = [(truth.videos[x['video_id']], x['timestamp'], box, score)
            for x in samples for box, score in zip(
                x['pred_instances']['bboxes'], x['pred_instances']['scores'])]
    dets = FrameDetections(
        np.array([x[0] for x in rows]), np.array([x[1] for x in rows]),
        np.array([x[2].numpy() for x in rows]),
        np.array([[float(x[3].max())] for x in rows]))
    assert frame_map(boxes, dets).mean_ap[0] == pytest.approx(
        .952231, abs=1e-5)
