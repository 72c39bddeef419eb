# Copyright (c) mmevad authors. All rights reserved.
import hashlib
import json
import pickle
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmevad.datasets.synth_actors import (ACTIVITIES, LABELS, POSTURES,
                                          Settings, generate)
from mmevad.datasets.synth_actors.actions import GESTURES
from mmevad.datasets.synth_actors.annotations import MIN_VISIBLE, keyframes
from mmevad.datasets.synth_actors.dataset import Task, make_scene, split_looks
from mmevad.datasets.synth_actors.export import read_frame
from mmevad.datasets.synth_actors.scene import SUPERSAMPLE, draw_frame

FRAMES, INTERVAL, SIZE = 50, 6, (96, 72)


@pytest.fixture(scope='module')
def settings(tmp_path_factory):
    return Settings(
        str(tmp_path_factory.mktemp('synth') / 'data'),
        seed=3,
        size=SIZE,
        videos=(2, 1, 1),
        seconds=4.,
        interval=INTERVAL,
        train_interval=INTERVAL,
        workers=1)


@pytest.fixture(scope='module')
def truths(settings):
    return generate(settings)


@pytest.fixture(scope='module')
def root(settings, truths):
    return Path(settings.out_dir)


def read_rows(root, suffix=''):
    rows = []
    for split in ('train', 'val', 'test'):
        path = root / 'annotations' / f'ava_{split}{suffix}.csv'
        rows += [line.split(',') for line in path.read_text().splitlines()]
    return rows


def hashes(root):
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob('*')) if p.is_file()
    }


def test_same_seed_gives_same_bytes_with_any_number_of_workers(
        settings, root, tmp_path):
    again = replace(settings, out_dir=str(tmp_path / 'again'), workers=2)
    generate(again)
    first, second = hashes(root), hashes(tmp_path / 'again')
    assert len(first) == 4 * (FRAMES + 1) + 16
    assert first == second


def test_csv_rows_are_the_tube_frames_at_keyframes(root):
    with open(root / 'annotations' / 'tubes.pkl', 'rb') as file:
        data = pickle.load(file)
    scale = np.array(SIZE * 2)
    from_tubes = defaultdict(list)
    for video, by_label in data['gttubes'].items():
        for label, tubes in by_label.items():
            for tube in tubes:
                assert tube.dtype == np.float32 and tube.shape[1] == 5
                assert (np.diff(tube[:, 0]) == 1).all()
                assert tube[:, 0].min() >= 1 and tube[:, 0].max() <= FRAMES
                for frame, *box in tube:
                    if frame in keyframes(FRAMES, INTERVAL):
                        key = (video, int(frame), label)
                        from_tubes[key].append(np.array(box) / scale)
    from_rows = defaultdict(list)
    for video, frame, x1, y1, x2, y2, action, _ in read_rows(root):
        box = np.array([x1, y1, x2, y2], float)
        assert 0 <= box.min() and box.max() <= 1
        assert (box[2:] > box[:2]).all()
        from_rows[video, int(frame), int(action) - 1].append(box)
    assert from_rows.keys() == from_tubes.keys()
    for key, boxes in from_rows.items():
        np.testing.assert_allclose(boxes, from_tubes[key], atol=2e-6)


def test_tube_pickle_and_json_agree(root):
    folder = root / 'annotations'
    with open(folder / 'tubes.pkl', 'rb') as file:
        data = pickle.load(file)
    text = json.loads((folder / 'tubes.json').read_text())
    assert text['labels'] == data['labels'] == list(LABELS)
    assert set(data['nframes'].values()) == {FRAMES}
    assert set(data['resolution'].values()) == {SIZE[::-1]}
    assert data['train_videos'] == [['train_000', 'train_001']]
    assert data['test_videos'] == [['test_000']]
    for video, by_label in data['gttubes'].items():
        for label, tubes in by_label.items():
            others = text['gttubes'][video][str(label)]
            assert len(others) == len(tubes)
            for tube, other in zip(tubes, others):
                np.testing.assert_allclose(tube, other, atol=1e-3)


def test_segments_span_the_tubes_of_the_activities(root):
    with open(root / 'annotations' / 'tubes.pkl', 'rb') as file:
        tubes = pickle.load(file)['gttubes']
    data = json.loads((root / 'annotations' / 'segments.json').read_text())
    assert set(data['database']) == set(tubes)
    for video, entry in data['database'].items():
        assert entry['duration'] == pytest.approx(FRAMES / entry['fps'])
        spans = {(k, (t[0, 0] - 1) / entry['fps'], t[-1, 0] / entry['fps'])
                 for k, v in tubes[video].items()
                 for t in v if LABELS[k] in ACTIVITIES}
        found = [(s['label_id'], *s['segment']) for s in entry['annotations']]
        for s in entry['annotations']:
            assert s['label'] == LABELS[s['label_id']]
            assert 0 <= s['segment'][0] < s['segment'][1] <= entry['duration']
            for end in (0, 1):
                assert any(k == s['label_id'] and np.isclose(
                    (a, b)[end], s['segment'][end], atol=1e-4)
                           for k, a, b in spans)
        for k, a, b in spans:
            assert any(k == m and s <= a + 1e-4 and b <= e + 1e-4
                       for m, s, e in found)


def test_visible_people_have_one_body_action_and_hidden_ones_no_row(
        root, truths):
    body = [i for i, name in enumerate(LABELS) if name not in GESTURES]
    shown = {}
    for t in truths:
        assert (t.labels[..., body].sum(-1) == 1).all()
        for p in range(len(t.boxes)):
            for f in keyframes(FRAMES, INTERVAL):
                if t.visible[p, f - 1] >= MIN_VISIBLE:
                    shown[t.video_id, f, p + 1] = t.labels[p, f - 1].sum()
    counts = defaultdict(int)
    for row in read_rows(root):
        counts[row[0], int(row[1]), int(row[7])] += 1
    assert counts == shown


def test_splits_share_no_look_and_no_background(settings, root):
    meta = json.loads((root / 'annotations' / 'videos.json').read_text())
    seen = defaultdict(set)
    for video in meta.values():
        for name in [video['background'], *video['looks']]:
            seen[name].add(video['split'])
    assert all(len(splits) == 1 for splits in seen.values())
    drawn = [(k.body.stature, k.shirt, k.trousers)
             for split in ('train', 'val', 'test')
             for k in split_looks(settings.seed, split)]
    assert len(set(drawn)) == len(drawn) == 422


def test_boxes_are_tight_around_the_masks(settings):
    whole = 0
    scene = make_scene(Task('train', 1), settings)
    for frame in range(0, FRAMES, 5):
        drawn = draw_frame(scene, frame)
        for i, (box, visible) in enumerate(zip(drawn.boxes, drawn.visible)):
            assert 0 <= visible <= 1
            ys, xs = np.nonzero(drawn.owner == i + 1)
            if not len(xs):
                continue
            seen = np.array(
                [xs.min(), ys.min(),
                 xs.max() + 1, ys.max() + 1]) / SUPERSAMPLE
            assert (seen[:2] >= box[:2]).all() and (seen[2:] <= box[2:]).all()
            if visible == 1:
                whole += 1
                np.testing.assert_array_equal(seen, box)
    assert whole >= 5


@pytest.mark.parametrize('use_frames', [True, False])
def test_clip_centre_is_the_annotated_frame(root, use_frames):
    import mmaction.datasets.transforms  # noqa: F401
    from mmaction.datasets import AVADataset
    sample = dict(
        type='SampleAVAFrames', clip_len=4, frame_interval=3, test_mode=True)
    folder = root / 'annotations'
    common = dict(
        label_file=str(folder / 'label_map.pbtxt'),
        exclude_file=str(folder / 'ava_train_excluded_timestamps.csv'),
        num_classes=len(LABELS) + 1,
        fps=1)
    if use_frames:
        kwargs = dict(
            ann_file=str(folder / 'ava_train.csv'),
            pipeline=[sample, dict(type='RawFrameDecode')],
            data_prefix=dict(img=str(root / 'frames')),
            filename_tmpl='img_{:05}.jpg',
            start_index=1,
            timestamp_start=2,
            timestamp_end=2 + FRAMES)
    else:
        pytest.importorskip('decord')
        kwargs = dict(
            ann_file=str(folder / 'ava_train_videos.csv'),
            pipeline=[
                dict(type='DecordInit'), sample,
                dict(type='DecordDecode')
            ],
            data_prefix=dict(img=str(root / 'videos')),
            use_frames=False,
            start_index=0,
            timestamp_start=1)
    with DefaultScope.overwrite_default_scope('mmaction'):
        dataset = AVADataset(**common, **kwargs)
    assert len(dataset) > .8 * 2 * len(keyframes(FRAMES, INTERVAL))
    offsets = range(-3, 4)
    errors = []
    for item in dataset:
        video, number = item['video_id'].replace('.mp4', ''), item['timestamp']
        first = 1 if use_frames else 0
        assert item['frame_inds'][2] == number - 1 + first
        assert item['frame_inds'].min() >= first
        assert item['frame_inds'].max() < FRAMES + first
        if 3 < number <= FRAMES - 3:
            errors.append([
                np.abs(
                    read_frame(str(root), video, number +
                               k)[..., ::-1].astype(int) -
                    item['imgs'][2]).mean() for k in offsets
            ])
    mean = dict(zip(offsets, np.mean(errors, 0)))
    # JPEG frames are the same file; an mp4 is lossy, so the nearest counts.
    assert min(mean, key=mean.get) == 0
    assert mean[0] == 0 if use_frames else mean[0] < .8 * mean[1]


def test_label_map_is_read_by_mmaction(root):
    from mmaction.evaluation import read_labelmap
    with open(root / 'annotations' / 'label_map.pbtxt') as file:
        labels, ids = read_labelmap(file)
    assert [k['name'] for k in labels] == list(LABELS)
    assert ids == set(range(1, len(LABELS) + 1))
    assert LABELS[-len(POSTURES):] == POSTURES


def test_standing_people_fill_half_of_the_height_or_more(truths):
    stand = LABELS.index('stand')
    heights = [((t.boxes[..., 3] - t.boxes[..., 1]) /
                t.size[1])[t.labels[..., stand] & (t.visible > .99)]
               for t in truths]
    heights = np.concatenate(heights)
    assert len(heights) > 50
    assert heights.min() > .4 and heights.max() <= 1
    assert .6 < np.median(heights) < .9
