"""Classes of the segment dataset, and annotations that it refuses."""
import pytest

from mmevad.utils import DataError
from .segment_files import CLASSES, action, build, video, write_json


def labels_of(dataset):
    return dataset.get_data_info(0)['labels'].tolist()


def test_class_agnostic(tmp_path):
    database = dict(a=video(action(1., 2., 1)))
    dataset = build(tmp_path, database, class_agnostic=True)
    assert labels_of(dataset) == [0]
    assert dataset.metainfo['classes'] == tuple(CLASSES)
    del database['a']['annotations'][0]['label_id']
    dataset = build(tmp_path, database, class_agnostic=True, metainfo=None)
    assert labels_of(dataset) == [0] and 'classes' not in dataset.metainfo


def test_where_classes_come_from(tmp_path):
    database = dict(
        a=video(action(1., 2., 1)), b=video(action(1., 2.), subset='other'))
    names = tmp_path / 'names.txt'
    names.write_text('run\njump\n')
    for classes in (CLASSES, str(names)):
        dataset = build(tmp_path, database, metainfo=dict(classes=classes))
        assert dataset.metainfo['classes'] == ('run', 'jump')
    dataset = build(tmp_path, database, metainfo=None, subset='training')
    assert dataset.metainfo['classes'] == ('run', 'jump')
    for row in (database['a'], database['b']):
        del row['annotations'][0]['label_id']
    assert labels_of(build(tmp_path, database)) == [1]
    ann_file = write_json(tmp_path, dict(database=database, classes=CLASSES),
                          'with_classes.json')
    dataset = build(tmp_path, database, metainfo=None, ann_file=ann_file)
    assert labels_of(dataset) == [1]
    with pytest.raises(DataError, match='no "label" with.*metainfo'):
        build(tmp_path, database, metainfo=None)


@pytest.mark.parametrize('first,second,message', [
    (('run', 0), ('jump', 0), "'jump' has label_id 0, elsewhere 'run'"),
    (('run', 0), ('run', 1), "'run' has label_id 1"),
    (('run', 0), ('jump', 2), 'leave out 1'),
    (('run', -1), ('jump', 0), 'do not count from 0'),
])
def test_classes_that_do_not_follow(tmp_path, first, second, message):
    rows = [
        dict(segment=[1., 2.], label=name, label_id=number)
        for name, number in (first, second)
    ]
    with pytest.raises(DataError, match=message):
        build(tmp_path, dict(a=video(*rows)), metainfo=None)


@pytest.mark.parametrize('classes,message', [
    ('/no/file.txt', 'label file /no/file.txt does not exist'),
    (['run', 'run'], "'run' occurs twice"),
])
def test_bad_classes(tmp_path, classes, message):
    with pytest.raises(DataError, match=message):
        build(
            tmp_path,
            dict(a=video(action(1., 2.))),
            metainfo=dict(classes=classes))


ROWS = [
    (dict(label='run', label_id=0), 'has no "segment"'),
    (dict(segment=[1], label='run', label_id=0), 'has no "segment"'),
    (dict(segment=[1, 'x'], label='run', label_id=0), 'has no "segment"'),
    (dict(segment=[1, float('nan')], label='run',
          label_id=0), 'has no "segment"'),
    (action(5., 4.), 'ends before it starts'),
    (dict(segment=[1, 2], label='fly'), "'fly' is none of the 2 classes"),
    (dict(segment=[1, 2], label='run', label_id=2), 'label_id 2, which is'),
    (dict(segment=[1, 2], label='run', label_id=1), "class 1 is 'jump'"),
    ('run', 'has no "segment"'),
]


@pytest.mark.parametrize('row,message', ROWS)
def test_bad_annotation(tmp_path, row, message):
    database = dict(a=video(action(1., 2.), row))
    with pytest.raises(DataError) as error:
        build(tmp_path, database)
    assert str(error.value).count('\n') == 0
    place = 'ann.json, video a, annotations[1]: '
    assert place in str(error.value) and message in str(error.value)


@pytest.mark.parametrize('entry,message', [
    ([], 'the entry is no object'),
    (video(duration=0.), '"duration" is 0.0'),
    (video(duration=None), '"duration" is None'),
    (video(fps='x'), '"fps" is \'x\''),
    (dict(video(), annotations=dict(x=1)), '"annotations" is no list'),
])
def test_bad_video(tmp_path, entry, message):
    with pytest.raises(DataError) as error:
        build(tmp_path, dict(a=video(action(1., 2.)), b=entry))
    assert 'ann.json, video b: ' + message in str(error.value)
    assert str(error.value).count('\n') == 0


@pytest.mark.parametrize('content,message', [
    ('{"database": {', 'no valid JSON'),
    ('[]', 'no JSON object'),
    ('{}', 'no object "database"'),
    ('{"database": {}, "classes": {"run": 0}}', '"classes" is no list'),
])
def test_bad_file(tmp_path, content, message):
    path = tmp_path / 'bad.json'
    path.write_text(content)
    with pytest.raises(DataError, match=rf'bad\.json.*{message}'):
        build(tmp_path, dict(a=video()), ann_file=str(path))
    with pytest.raises(DataError, match=r'none\.json does not exist'):
        build(tmp_path, dict(a=video()), ann_file='none.json')
