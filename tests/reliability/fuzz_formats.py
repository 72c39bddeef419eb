# Copyright (c) mmevad authors. All rights reserved.
"""Formats of annotations: good files, how they break, what must be read.

``expected`` counts with nothing of mmevad, so that what is dropped without a
word is seen.
"""
import gzip
import json
import lzma
import pickle
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple

import numpy as np
from hypothesis import strategies as st

from mmevad.datasets import CheckedAVADataset, SegmentDataset, TubeDataset
from mmevad.datasets.ava_proposals import read_proposals
from mmevad.evaluation import read_ground_truth, read_results
from mmevad.evaluation.keyframe_truth import read_ava
from mmevad.models.actionformer.score_fusion import read_class_scores
from mmevad.utils.safe_pickle import safe_pickle_loads
from tests.test_datasets import tube_files
from .mutations import damaged, encoded, tables, to_json, trees

Files = Dict[str, bytes]


class Format(NamedTuple):
    """A kind of file.

    Attributes:
        files (SearchStrategy): Draws files by name, broken or not.
        read (callable): Folder -> counts of what was loaded.
        expected (callable): Files -> counts of what they hold.
    """
    files: st.SearchStrategy
    read: Callable[[Path], Any]
    expected: Callable[[Files], Any]


def one(name: str, contents: st.SearchStrategy) -> st.SearchStrategy:
    return contents.map(lambda raw: {name: raw})


def of_tree(base: Any, write: Callable = to_json) -> st.SearchStrategy:
    """Half of the files broken in their structure, half in their bytes."""

    def draw(tree: Any) -> st.SearchStrategy:
        try:
            return st.just(write(tree))
        except (TypeError, UnicodeEncodeError, OverflowError):
            return st.just(write(base))

    return st.one_of(trees(base).flatmap(draw), damaged(write(base)))


def of_table(base: str) -> st.SearchStrategy:
    return st.one_of(tables(base).flatmap(encoded), damaged(base.encode()))


def text_of(raw: bytes) -> list:
    return raw.decode().replace('\r\n', '\n').replace('\r', '\n').split('\n')


def rows_of(raw: bytes) -> list:
    lines = text_of(raw)
    lines = lines[:-1] if lines[-1] == '' else lines
    return [line.strip().split(',') for line in lines]


# ------------------------------------------------------------------- AVA

AVA = '\n'.join(f'{video},{second:04d},0.{a},0.2,0.{a + 4},0.8,{label},{a}'
                for video in ('clip_a', 'b/clip') for second in (902, 903)
                for a, label in ((1, 1), (1, 2), (3, 3))) + '\n'
LABELS = ''.join(f'item {{\n  name: "act {i}"\n  id: {i}\n}}\n'
                 for i in range(1, 4))
EXCLUDED = 'clip_a,0903\nother,0001\n'


def read_csv(folder: Path) -> tuple:
    data = CheckedAVADataset(
        str(folder / 'ann.csv'), [],
        num_classes=4,
        check_files=False,
        serialize_data=False)
    items = [data.get_data_info(i) for i in range(len(data))]
    truth = read_ava(str(folder / 'ann.csv'), label_ids={1, 2, 3})
    return (len(items), sum(int(x['gt_labels'].sum()) for x in items),
            sum(len(x['gt_bboxes']) for x in items), len(truth.boxes.labels))


def expected_csv(files: Files) -> tuple:
    rows = rows_of(files['ann.csv'])
    keys = {(r[0], int(r[1])) for r in rows}
    boxes = {(r[0], int(r[1]), *map(float, r[2:6])) for r in rows}
    labels = {(r[0], int(r[1]), *map(float, r[2:6]), int(r[6])) for r in rows}
    return len(keys), len(labels), len(boxes), len(rows)


def read_excluded_items(folder: Path) -> int:
    return len(
        CheckedAVADataset(
            str(folder / 'ann.csv'), [],
            exclude_file=str(folder / 'excluded.csv'),
            label_file=str(folder / 'map.pbtxt'),
            num_classes=4,
            check_files=False,
            serialize_data=False))


def expected_excluded(files: Files) -> int:
    out = {(r[0], int(r[1])) for r in rows_of(files['excluded.csv'])}
    keys = {(r[0], int(r[1])) for r in rows_of(AVA.encode())}
    return len(keys - out)


PROPOSALS = {'clip_a,0902': [[.1, .1, .5, .5, .9], [.2, .2, .6, .6, .8]],
             'clip_a,0903': [[0., 0., 1., 1., .7]]}  # yapf: disable


def count_proposals(path: Path) -> dict:
    return {k: np.shape(v) for k, v in read_proposals(str(path)).items()}


# ----------------------------------------------------------------- tubes

TUBES = json.loads(tube_files.to_json(tube_files.content()))


def to_pickle(tree: Any) -> bytes:
    """With arrays and numbered classes, as in the released files."""
    tree = dict(tree)
    if isinstance(tree.get('gttubes'), dict):
        tree['gttubes'] = {
            video: {
                int(k) if k in ('0', '1') else k:
                [_array(tube)
                 for tube in many] if isinstance(many, list) else many
                for k, many in by_label.items()
            } if isinstance(by_label, dict) else by_label
            for video, by_label in tree['gttubes'].items()
        }
    return pickle.dumps(tree, 2)


def _array(tube: Any) -> Any:
    try:
        return np.asarray(tube, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        return tube


def read_tubes(name: str) -> Callable[[Path], tuple]:

    def read(folder: Path) -> tuple:
        data = TubeDataset(
            str(folder / name), [],
            dict(img=''),
            subset='all',
            check_files=False,
            serialize_data=False)
        items = [data.get_data_info(i) for i in range(len(data))]
        return (len({x['video_id']
                     for x in items}),
                sum(int(x['gt_labels'].sum()) for x in items))

    return read


def count_tubes(tree: dict) -> tuple:
    many = {
        video: [tube for tubes in by_label.values() for tube in tubes]
        for video, by_label in tree['gttubes'].items()
    }
    return len(many), sum(len(x) for tubes in many.values() for x in tubes)


# -------------------------------------------------------------- segments

SEGMENTS = dict(
    version='x',
    classes=['run', 'jump'],
    database={
        name:
        dict(
            subset=subset,
            duration=20.,
            fps=25.,
            annotations=[
                dict(segment=[1., 2.5], label='run', label_id=0),
                dict(segment=[3., 9.], label='jump', label_id=1)
            ])
        for name, subset in (('v_a', 'training'), ('v_b', 'training'),
                             ('v_c', 'validation'))
    })
RESULTS = dict(
    version='x',
    external_data={},
    results={
        name: [
            dict(segment=[1., 2.], label='run', label_id=0, score=.9),
            dict(segment=[3., 8.], label='jump', label_id=1, score=.5)
        ]
        for name in ('v_a', 'v_b')
    })
SCORES = {'v_a': [.1, .9], 'v_b': [.6, .4], 'v_c': [.5, .5]}


def read_segments(folder: Path) -> tuple:
    path = next(folder.glob('ann*'))
    data = SegmentDataset(
        str(path), 5, 5, subset='training', pipeline=[], check_files=False,
        serialize_data=False)  # yapf: disable
    items = [data.get_data_info(i) for i in range(len(data))]
    return len(items), sum(len(x['segments']) for x in items)


def expected_segments(files: Files) -> tuple:
    (name, raw), = files.items()
    raw = gzip.decompress(raw) if name.endswith('.gz') else raw
    found = [
        x for x in json.loads(raw)['database'].values()
        if x['subset'].lower() == 'training'
    ]
    return len(found), sum(len(x.get('annotations') or []) for x in found)


def read_truth(folder: Path) -> tuple:
    truth = read_ground_truth(str(folder / 'truth.json'))
    return len(truth.videos), len(truth.segments.labels)


def expected_truth(files: Files) -> tuple:
    tree = json.loads(files['truth.json'])
    found = tree.get('database', tree).values()
    return len(found), sum(len(x.get('annotations') or []) for x in found)


def read_detections(folder: Path) -> int:
    (folder / 'truth.json').write_bytes(to_json(SEGMENTS))
    truth = read_ground_truth(str(folder / 'truth.json'))
    return len(read_results(str(folder / 'dets.json'), truth).labels)


def expected_detections(files: Files) -> int:
    found = json.loads(files['dets.json'])['results']
    return sum(map(len, found.values()))


def read_scores(folder: Path) -> dict:
    found = read_class_scores(str(next(folder.glob('scores*'))))
    return {key: list(value) for key, value in found.items()}


def expected_scores(files: Files) -> dict:
    (name, raw), = files.items()
    tree = (
        json.loads(raw) if name.endswith('json') else safe_pickle_loads(
            raw, ''))
    tree = tree['results'] if isinstance(tree.get('results'), dict) else tree
    return {key: list(map(float, value)) for key, value in tree.items()}


FORMATS = {
    'AVA csv':
    Format(one('ann.csv', of_table(AVA)), read_csv, expected_csv),
    'AVA exclude file and label map':
    Format(
        st.fixed_dictionaries({
            'ann.csv': st.just(AVA.encode()),
            'excluded.csv': of_table(EXCLUDED),
            'map.pbtxt': of_table(LABELS)
        }), read_excluded_items, expected_excluded),
    'proposals json':
    Format(
        one('boxes.json', of_tree(PROPOSALS)),
        lambda folder: count_proposals(folder / 'boxes.json'), lambda files: {
            k: np.shape(v)
            for k, v in json.loads(files['boxes.json']).items()
        }),
    'tubes json':
    Format(
        one('t.json', of_tree(TUBES)), read_tubes('t.json'),
        lambda files: count_tubes(json.loads(files['t.json']))),
    'tubes pickle':
    Format(
        one('t.pkl', of_tree(TUBES, to_pickle)), read_tubes('t.pkl'),
        lambda files: count_tubes(safe_pickle_loads(files['t.pkl'], ''))),
    'tubes pickle, packed':
    Format(
        one('t.pkl.xz',
            of_tree(TUBES, lambda tree: lzma.compress(to_pickle(tree)))),
        read_tubes('t.pkl.xz'), lambda files: count_tubes(
            safe_pickle_loads(lzma.decompress(files['t.pkl.xz']), ''))),
    'segments json':
    Format(
        one('ann.json', of_tree(SEGMENTS)), read_segments, expected_segments),
    'segments json, packed':
    Format(
        one('ann.json.gz',
            of_tree(SEGMENTS, lambda tree: gzip.compress(to_json(tree)))),
        read_segments, expected_segments),
    'ground truth json':
    Format(one('truth.json', of_tree(SEGMENTS)), read_truth, expected_truth),
    'detections json':
    Format(
        one('dets.json', of_tree(RESULTS)), read_detections,
        expected_detections),
    'class scores json':
    Format(one('scores.json', of_tree(SCORES)), read_scores, expected_scores),
    'class scores pickle':
    Format(
        one('scores.pkl', of_tree(SCORES, lambda x: pickle.dumps(x, 2))),
        read_scores, expected_scores),
}
