# Copyright (c) mmevad authors. All rights reserved.
"""What the scripts of tools/data read: good files and broken ones."""
import csv
import io
import json
from pathlib import Path
from typing import Any, Callable, Tuple

import numpy as np
from hypothesis import strategies as st

from tests.test_converters.tools import load_tool
from .fuzz_formats import Files, Format, of_table, of_tree, text_of

ACTIVITYNET = load_tool('data/activitynet/make_activitynet.py')
EPIC = load_tool('data/epic_kitchens/make_epic_kitchens.py')
THUMOS = load_tool('data/thumos14/make_thumos14.py')
EGO4D = load_tool('data/ego4d/make_ego4d.py')
SBHAR = load_tool('data/sbhar/make_sbhar.py')


def _written(path: Path) -> Tuple[int, int]:
    found = json.loads(path.read_bytes())['database'].values()
    return len(found), sum(len(x['annotations']) for x in found)


def _table(raw: bytes) -> list:
    return list(csv.DictReader(io.StringIO(raw.decode(), newline='')))


ANET = {
    f'v_{x}': dict(
        duration_second=10.,
        annotations=[dict(segment=[1., 2.], label='Run'),
                     dict(segment=[3., 4.], label='Jump')])
    for x in 'abc'
}  # yapf: disable
INFO = 'video,rfps,subset\nv_a,29.7,training\nv_b,30,training\n' \
    'v_c,25.0,validation\n'


def _activitynet(folder: Path) -> Tuple[int, int]:
    ACTIVITYNET.main([
        str(folder / 'anno.json'), '--video-info',
        str(folder / 'info.csv'), '--out',
        str(folder / 'out.json')
    ])
    return _written(folder / 'out.json')


def _expected_activitynet(files: Files) -> Tuple[int, int]:
    content = json.loads(files['anno.json'])
    names = [row['video'] for row in _table(files['info.csv'])]
    if 'database' in content:
        content, names = content['database'], list(content['database'])
    return len(names), sum(
        len(content[x].get('annotations') or []) for x in names)


EPIC_INFO = 'video_id,duration,fps\nP1,400.5,59.94\nP2,300,50\n'
EPIC_ROWS = 'video_id,start_timestamp,stop_timestamp,verb_class,' \
    'noun_class\nP1,00:00:01.10,00:01:03.45,1,0\nP2,00:00:02,00:00:03,0,1\n'


def _epic(folder: Path) -> int:
    EPIC.main([str(folder), '--parts', 'train', '--out', str(folder / 'out')])
    return _written(folder / 'out' / 'verb.json')[1]


def _expected_epic(files: Files) -> int:
    return len(_table(files['EPIC_100_train.csv']))


THUMOS_ROWS = 'video_1 0.5 2.5\nvideo_1 3 4\nvideo_2 1.0 9.0\n'
DURATIONS = 'video,duration,fps\nvideo_1,10.0,30\nvideo_2,20,25\n'


def _thumos(folder: Path) -> int:
    THUMOS.main([
        str(folder), '--durations',
        str(folder / 'durations.csv'), '--out',
        str(folder / 'out.json')
    ])
    return _written(folder / 'out.json')[1]


def _expected_thumos(files: Files) -> int:
    return sum(bool(x.strip()) for x in text_of(files['Run_val.txt']))


MOMENTS = dict(videos=[
    dict(
        video_uid=f'u{i}',
        split='train',
        clips=[
            dict(
                clip_uid=f'c{i}',
                video_start_sec=4.,
                video_end_sec=9.,
                annotations=[
                    dict(labels=[
                        dict(start_time=1., end_time=2., label='wash',
                             primary=True),
                        dict(start_time=2., end_time=3., label='cut',
                             primary=False)
                    ])
                ])
        ]) for i in range(2)
])  # yapf: disable


def _ego4d(folder: Path) -> Tuple[int, int]:
    EGO4D.main([str(folder / 'train.json'), '--out', str(folder / 'out')])
    return _written(folder / 'out' / 'annotations' / 'moment_queries.json')


def _expected_ego4d(files: Files) -> Tuple[int, int]:
    clips = [
        clip for video in json.loads(files['train.json'])['videos']
        for clip in video['clips']
    ]
    return len(clips), sum(row['primary'] for clip in clips
                           for annotator in clip.get('annotations', [])
                           for row in annotator['labels'])


SIGNAL = '\n'.join(' '.join(map(str, row))
                   for row in np.arange(180).reshape(60, 3) / 100.)
LABELS = '1 1 5 1 20\n1 1 4 21 50\n'


def _sbhar(folder: Path) -> Tuple[int, int]:
    SBHAR.main([
        str(folder), '--out',
        str(folder / 'out'), '--val-users', '1', '--labels',
        str(folder / 'labels.txt')
    ])
    return _written(folder / 'out' / 'sbhar.json')


def _expected_sbhar(files: Files) -> Tuple[int, int]:
    table = np.loadtxt(text_of(files['labels.txt']), ndmin=2)
    return 1, int((table[:, 0] == 1).sum())


def _of(read: Callable, expected: Callable, **files: Any) -> Format:
    return Format(
        st.fixed_dictionaries({
            name.replace('__', '.'): content
            for name, content in files.items()
        }), read, expected)


CONVERTERS = {
    'make_activitynet.py':
    _of(_activitynet,
        _expected_activitynet,
        anno__json=of_tree(ANET),
        info__csv=of_table(INFO)),
    'make_epic_kitchens.py':
    _of(_epic,
        _expected_epic,
        EPIC_100_video_info__csv=of_table(EPIC_INFO),
        EPIC_100_train__csv=of_table(EPIC_ROWS),
        EPIC_100_verb_classes__csv=of_table('id,key\n0,take\n1,put\n'),
        EPIC_100_noun_classes__csv=st.just(b'id,key\n0,tap\n1,cup\n')),
    'make_thumos14.py':
    _of(_thumos,
        _expected_thumos,
        Run_val__txt=of_table(THUMOS_ROWS),
        durations__csv=of_table(DURATIONS)),
    'make_ego4d.py':
    _of(_ego4d, _expected_ego4d, train__json=of_tree(MOMENTS)),
    'make_sbhar.py':
    _of(_sbhar,
        _expected_sbhar,
        acc_exp01_user01__txt=of_table(SIGNAL),
        labels__txt=of_table(LABELS)),
}
