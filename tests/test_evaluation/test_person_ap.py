# Copyright (c) mmevad authors. All rights reserved.
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import METRICS
from mmengine.logging import MMLogger

from mmevad.datasets.tubes import load_tubes
from mmevad.utils import DataError
from .ava_files import sample_of

DATA = os.environ.get('MMEVAD_DATA')
LEFT, RIGHT = [.1, .1, .4, .9], [.6, .1, .9, .9]


@pytest.fixture
def ava(tmp_path):
    """Two persons with three actions, then one person; two more keyframes."""
    path = tmp_path / 'gt.csv'
    path.write_text('a,0902,0.1,0.1,0.4,0.9,12,0\n'
                    'a,0902,0.1,0.1,0.4,0.9,17,0\n'
                    'a,0902,0.6,0.1,0.9,0.9,12,1\n'
                    'a,0903,0.1,0.1,0.4,0.9,80,0\n'
                    'a,0904,0.1,0.1,0.4,0.9,12,0\n')
    return str(path)


def evaluate(samples, ann_file, **options):
    metric = METRICS.build(dict(type='PersonAP', ann_file=ann_file, **options))
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def persons(second, *found, video='a'):
    boxes, scores = zip(*found)
    return sample_of((video, second), boxes, person_scores=scores)


def test_box_with_two_actions_counts_once(ava):
    got = evaluate([
        persons(902, (LEFT, .9), (RIGHT, .8)),
        persons(903, (LEFT, .7)),
        persons(904, (LEFT, .6))
    ], ava)
    assert got == {'person-AP@0.5': 1, 'person-recall@0.5': 1}


def test_ap_by_hand_at_two_ious(ava):
    # IoU 1/2 with the left box
    half = [.1, .1, .4, .5]
    got = evaluate(
        [
            persons(902, (LEFT, .9), (LEFT, .85), (half, .1)),
            persons(903, (half, .8)),
            persons(904, (RIGHT, .7)),
            persons(999, (LEFT, 1.)),  # nobody is annotated here
        ],
        ava,
        iou_thrs=(.5, .75))
    # true, false, true, false, false of 4
    assert got['person-AP@0.5'] == pytest.approx((1 + 2 / 3) / 4)
    assert got['person-recall@0.5'] == 1 / 2
    assert got['person-AP@0.75'] == got['person-recall@0.75'] == 1 / 4


def test_excluded_keyframe(ava, tmp_path):
    exclude = tmp_path / 'excluded.csv'
    exclude.write_text('a,0903\na,0904\n')
    samples = [persons(902, (LEFT, .9), (RIGHT, .8)), persons(904, (LEFT, 1))]
    got = evaluate(samples, ava, exclude_file=str(exclude))
    assert got['person-AP@0.5'] == 1


def test_tubes(tmp_path):
    """Boxes in pixels of 40 x 20, frames 2 and 3; two actors share one."""
    tube = [[2, 4, 2, 16, 18], [3, 4, 2, 16, 18]]
    other = [[3, 24, 2, 36, 18]]
    path = tmp_path / 'tubes.json'
    path.write_text(
        json.dumps(
            dict(
                labels=['run', 'sit'],
                gttubes={
                    'run/x': {
                        '0': [tube, other]
                    },
                    'sit/y': {
                        '1': [tube],
                        '0': [tube]
                    }
                },
                nframes={
                    'run/x': 4,
                    'sit/y': 3
                },
                train_videos=[['sit/y']],
                test_videos=[['run/x']],
                resolution={
                    'run/x': [20, 40],
                    'sit/y': [20, 40]
                })))
    samples = [
        persons(2, (LEFT, .9), video='run/x'),
        persons(3, (LEFT, .8), video='run/x'),
        persons(4, (LEFT, 1.), video='run/x')
    ]
    got = evaluate(samples, str(path))
    assert got['person-AP@0.5'] == pytest.approx(2 / 3)
    got = evaluate(samples[:1], str(path), keyframe_interval=2)
    assert got['person-AP@0.5'] == 1
    samples = [persons(f, (LEFT, .9), video='sit/y') for f in (2, 3)]
    got = evaluate(samples, str(path), subset='train')
    assert got['person-AP@0.5'] == 1
    with pytest.raises(DataError, match='split 2'):
        evaluate(samples, str(path), split=2)
    with pytest.raises(DataError, match='only AVA excludes'):
        evaluate(samples, str(path), exclude_file='excluded.csv')


def test_says_what_was_left_out(ava, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    evaluate([persons(902, (LEFT, .75)), persons(950, (LEFT, .9))], ava)
    logger.removeHandler(caplog.handler)
    assert '1 person boxes for 4 annotated' in caplog.text
    assert 'the lowest person score is 0.75' in caplog.text
    assert '1 predicted keyframes have no ground truth' in caplog.text
    assert '2 of 3 annotated keyframes were not predicted' in caplog.text


def test_needs_person_scores(ava):
    sample = sample_of(('a', 902), [LEFT], scores=[[0, 1.]])
    with pytest.raises(DataError, match='person_scores, which EVAD gives'):
        evaluate([sample], ava)
    with pytest.raises(DataError, match='No keyframe was predicted'):
        evaluate([], ava)


@pytest.mark.skipif(not DATA, reason='MMEVAD_DATA names no folder')
def test_jhmdb():
    """Faster R-CNN persons on JHMDB, split 1: a plain loop's numbers."""
    folder = Path(DATA) / 'jhmdb'

    def read(name):
        with gzip.open(folder / name) as file:
            return json.load(file)

    tubes = str(folder / 'JHMDB-GT-split1test.pkl')
    videos = {x.split('/')[1]: x for x in load_tubes(tubes).gttubes}
    keys = {
        x['id']: (videos[x['movie']], int(x['timestamp']))
        for x in read('jhmdb_test_gt_min.json.gz')['images']
    }
    found = {}
    for row in read('jhmdb_faster_RCNN_person.json.gz'):
        found.setdefault(row['image_id'], []).append(row)
    samples = [
        sample_of(
            keys[image],
            np.array([x['bbox'] for x in rows]) / [320, 240, 320, 240],
            person_scores=[float(x['score']) for x in rows])
        for image, rows in found.items()
    ]
    got = evaluate(samples, tubes)
    assert got['person-AP@0.5'] == pytest.approx(0.952231, abs=1e-6)
    assert got['person-recall@0.5'] == pytest.approx(0.986979, abs=1e-6)
