"""From the forms that datasets come in to ActivityNet's JSON."""
import csv
import gzip
import importlib.util
import json
from pathlib import Path

import pytest
import torch

from mmevad.utils import DataError

TOOLS = Path(__file__).parents[2] / 'tools' / 'data'


def load(path):
    spec = importlib.util.spec_from_file_location(
        Path(path).stem, TOOLS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


thumos14 = load('thumos14/make_thumos14.py')
activitynet = load('activitynet/make_activitynet.py')
epic_kitchens = load('epic_kitchens/make_epic_kitchens.py')
ego4d = load('ego4d/make_ego4d.py')


def read(path):
    content = json.loads(Path(path).read_text())
    return content['database'], content['classes']


def rows_of(entry):
    return [(*row['segment'], row['label'], row['label_id'])
            for row in entry['annotations']]


def write_csv(path, rows):
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def official(tmp_path):
    """THUMOS14's text files."""
    files = {
        'annotation_val/Run_val.txt': 'v1  0.5 2.0\nv2 1.0 3.0\n',
        'annotation_val/Jump_val.txt': 'v1  7.0 9.5\n\n',
        'annotation_val/Ambiguous_val.txt': 'v1 3.0 4.0\nv9 1.0 2.0\n',
        'annotation_test/Jump_test.txt': 't1  1.5 2.5\n',
        'annotation_test/detclasslist.txt': '1 Jump\n2 Run\n',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_thumos14(official, tmp_path, capsys):
    durations = write_csv(tmp_path / 'durations.csv', [
        dict(video=name, duration=10, fps=fps)
        for name, fps in (('v1', 30), ('v2', 25), ('t1', 29.97))
    ])
    out = tmp_path / 'out' / 'thumos14.json'
    thumos14.main([str(official), '--durations', durations, '--out', str(out)])
    database, classes = read(out)
    assert classes == ['Jump', 'Run'] and set(database) == {'v1', 'v2', 't1'}
    assert sorted(rows_of(database['v1'])) == [(0.5, 2.0, 'Run', 1),
                                               (7.0, 9.5, 'Jump', 0)]
    assert database['t1']['subset'] == 'Test'
    assert (database['v2']['duration'], database['v2']['fps']) == (10, 25)
    assert 'Validation: 2 videos, 3 segments' in capsys.readouterr().out


def test_thumos14_from_one_folder(official, tmp_path):
    assert set(thumos14.read_annotations(str(official /
                                             'annotation_test'))) == {'t1'}


def test_thumos14_errors(official, tmp_path):
    durations = write_csv(tmp_path / 'durations.csv',
                          [dict(video='v1', duration=10, fps=30)])
    arguments = [str(official), '--out', str(tmp_path / 'x.json')]
    with pytest.raises(DataError, match='durations.csv lacks video t1'):
        thumos14.main(arguments + ['--durations', durations])
    (tmp_path / 'durations.csv').write_text('name\nv1\n')
    with pytest.raises(DataError, match='no CSV file with the columns'):
        thumos14.main(arguments + ['--durations', durations])
    (official / 'annotation_val/Run_val.txt').write_text('v1 0.5 2.0 x\n')
    with pytest.raises(DataError, match='Run_val.txt, line 1: expected'):
        thumos14.main(arguments + ['--durations', durations])
    with pytest.raises(DataError, match='holds no <class>_val.txt'):
        thumos14.read_annotations(str(tmp_path / 'none'))
    assert not (tmp_path / 'x.json').exists()


ANET = dict(
    v_a=dict(
        duration_second=10.,
        duration_frame=300,
        feature_frame=288,
        annotations=[
            dict(segment=[1., 2.], label='Running'),
            dict(segment=[3., 3.], label='Jumping')
        ]),
    v_b=dict(duration_second=4., annotations=[]))
ANET_INFO = [
    dict(video=name, numFrame=300, seconds=10, fps=30, rfps=29.7, subset=sub)
    for name, sub in (('v_a', 'training'), ('v_b', 'testing'))
]


def test_activitynet_pair(tmp_path):
    path = tmp_path / 'anno.json.gz'
    path.write_bytes(gzip.compress(json.dumps(ANET).encode()))
    info = write_csv(tmp_path / 'info.csv', ANET_INFO)
    out = str(tmp_path / 'anet.json')
    activitynet.main([str(path), '--video-info', info, '--out', out])
    database, classes = read(out)
    assert classes == ['Jumping', 'Running']
    assert rows_of(database['v_a']) == [(1., 2., 'Running', 1),
                                        (3., 3., 'Jumping', 0)]
    assert database['v_a']['duration'] == 10 and database['v_a']['fps'] == 29.7
    assert database['v_b'] == dict(
        subset='testing', duration=4., fps=29.7, annotations=[])


def test_activitynet_classes_and_official_form(tmp_path):
    database = dict(
        a=dict(
            subset='validation',
            duration=10.,
            url='https://...',
            annotations=[dict(segment=[1., 2.], label='Running')]))
    path = tmp_path / 'official.json'
    path.write_text(json.dumps(dict(database=database, taxonomy=[])))
    names = tmp_path / 'action_name.csv'
    names.write_text('action\nRunning\nJumping\n')
    out = str(tmp_path / 'anet.json')
    activitynet.main([str(path), '--classes', str(names), '--out', out])
    got, classes = read(out)
    assert classes == ['Running', 'Jumping']
    assert rows_of(got['a']) == [(1., 2., 'Running', 0)]
    assert set(got['a']) == {'subset', 'duration', 'annotations'}
    names.write_text('Jumping\n')
    with pytest.raises(DataError, match="video a: 'Running' is none of the 1"):
        activitynet.main([str(path), '--classes', str(names), '--out', out])


def test_activitynet_errors(tmp_path):
    path = tmp_path / 'anno.json'
    path.write_text(json.dumps(ANET))
    arguments = [str(path), '--out', str(tmp_path / 'x.json')]
    with pytest.raises(DataError, match='--video-info'):
        activitynet.main(arguments)
    info = write_csv(tmp_path / 'info.csv', [dict(ANET_INFO[0], video='v_z')])
    with pytest.raises(DataError, match='video v_z: .*info.csv, line 2'):
        activitynet.main(arguments + ['--video-info', info])
    with pytest.raises(DataError, match='none.csv does not exist'):
        activitynet.main(arguments + ['--video-info', 'none.csv'])
    for seconds in (float('nan'), 10**400, '10', 0):
        path.write_text(
            json.dumps(dict(v_a=dict(ANET['v_a'], duration_second=seconds))))
        write_csv(info, ANET_INFO[:1])
        with pytest.raises(DataError, match='video v_a: "duration" is '):
            activitynet.main(arguments + ['--video-info', info])
    for rate in ('nan', 'inf', '0', 'x'):
        write_csv(info, [dict(ANET_INFO[0], rfps=rate)])
        with pytest.raises(DataError, match='info.csv, line 2: .*rfps'):
            activitynet.main(arguments + ['--video-info', info])
    assert not (tmp_path / 'x.json').exists()


@pytest.fixture
def epic(tmp_path):
    write_csv(tmp_path / 'EPIC_100_video_info.csv', [
        dict(video_id=name, duration=4000.5, fps=59.94, resolution='')
        for name in ('P01_01', 'P02_01')
    ])
    for kind, names in (('verb', ['take', 'put']), ('noun', ['tap', 'cup'])):
        write_csv(
            tmp_path / f'EPIC_100_{kind}_classes.csv',
            [dict(id=number, key=name) for number, name in enumerate(names)])
    for part, video_id in (('train', 'P01_01'), ('validation', 'P02_01')):
        write_csv(tmp_path / f'EPIC_100_{part}.csv', [
            dict(
                video_id=video_id,
                start_timestamp='00:00:01.10',
                stop_timestamp='01:02:03.45',
                verb_class=1,
                noun_class=0)
        ])
    return tmp_path


def test_epic_kitchens(epic):
    epic_kitchens.main([str(epic), '--out', str(epic / 'out')])
    for kind, label in (('verb', ('put', 1)), ('noun', ('tap', 0))):
        database, classes = read(epic / f'out/{kind}.json')
        assert len(classes) == 2
        assert [x['subset']
                for x in database.values()] == ['training', 'validation']
        assert rows_of(database['P02_01']) == [(1.1, 3723.45, *label)]
        assert database['P02_01']['duration'] == 4000.5


@pytest.mark.parametrize('key,value', [('video_id', 'P09_09'),
                                       ('start_timestamp', 'x'),
                                       ('verb_class', 2)])
def test_epic_kitchens_errors(epic, key, value):
    row = dict(
        video_id='P01_01',
        start_timestamp='00:00:01.10',
        stop_timestamp='00:00:02.10',
        verb_class=1,
        noun_class=0)
    write_csv(epic / 'EPIC_100_train.csv', [row, dict(row, **{key: value})])
    with pytest.raises(DataError, match='EPIC_100_train.csv, line 3: '):
        epic_kitchens.main([str(epic), '--out', str(epic / 'out')])
    # wrong for the second file only, and yet there is no first
    write_csv(epic / 'EPIC_100_train.csv', [dict(row, noun_class=2)])
    with pytest.raises(DataError, match='EPIC_100_train.csv, line 2: '):
        epic_kitchens.main([str(epic), '--out', str(epic / 'out')])
    assert not (epic / 'out').exists()
    (epic / 'EPIC_100_train.csv').unlink()
    with pytest.raises(DataError, match='train.csv does not exist'):
        epic_kitchens.main([str(epic), '--out', str(epic / 'out')])


def moments(split='train', **kwargs):
    rows = [
        dict(start_time=2., end_time=5., label='wash', primary=True),
        dict(start_time=3., end_time=4., label='cut', primary=False)
    ]
    clip = dict(
        clip_uid='c1',
        video_start_sec=64.,
        video_end_sec=96.,
        annotations=[dict(annotator_uid='x', labels=rows)])
    clip.update(kwargs)
    return dict(videos=[dict(video_uid='u1', split=split, clips=[clip])])


def test_ego4d(tmp_path):
    train, test = tmp_path / 'train.json', tmp_path / 'test.json'
    train.write_text(json.dumps(moments()))
    unlabelled = moments(
        'test', clip_uid='c2', video_start_sec=0., video_end_sec=8.)
    del unlabelled['videos'][0]['clips'][0]['annotations']
    test.write_text(json.dumps(unlabelled))
    rows = torch.arange(400.)[:, None].repeat(1, 3)
    (tmp_path / 'full').mkdir()
    torch.save(rows, tmp_path / 'full' / 'u1.pt')
    out = tmp_path / 'out'
    ego4d.main([
        str(train),
        str(test), '--out',
        str(out), '--features',
        str(tmp_path / 'full')
    ])
    database, classes = read(out / 'annotations' / 'moment_queries.json')
    assert classes == ['wash']
    assert database['c1'] == dict(
        subset='training',
        duration=32.,
        fps=30,
        annotations=[dict(segment=[2., 5.], label='wash', label_id=0)])
    assert database['c2']['annotations'] == []
    cut = torch.load(out / 'slowfast_features' / 'c1.pt')
    assert cut[:, 0].tolist() == list(range(120, 180))
    assert len(torch.load(out / 'slowfast_features' / 'c2.pt')) == 15


def test_ego4d_errors(tmp_path):
    path = tmp_path / 'train.json'
    arguments = [str(path), '--out', str(tmp_path / 'out')]
    broken = moments()
    del broken['videos'][0]['clips'][0]['video_end_sec']
    for content, message in ((broken, 'clip c1: there is no "video_end_sec"'),
                             (moments('x'), "video u1: \"split\" is 'x'")):
        path.write_text(json.dumps(content))
        with pytest.raises(DataError, match=message):
            ego4d.main(arguments)
    path.write_text(json.dumps(moments()))
    with pytest.raises(DataError, match=r'u1\.pt does not exist'):
        ego4d.main(arguments + ['--features', str(tmp_path)])
    torch.save(torch.zeros(100, 3), tmp_path / 'u1.pt')
    with pytest.raises(DataError, match='has 100 rows, but clip c1 starts'):
        ego4d.main(arguments + ['--features', str(tmp_path)])
