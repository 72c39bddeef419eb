# Copyright (c) mmevad authors. All rights reserved.
import pytest

from mmevad.apis.action_names import (choose_classes, find_action_names,
                                      find_segment_names, names_from_label_map)
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import write_json
from .small import label_map


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'map.pbtxt'
    path.write_text(label_map(['run', 'sit', 'eat']))
    return str(path)


def test_ids_that_the_map_leaves_out_get_numbers(path):
    assert names_from_label_map(path, 4) == ['run', 'sit', 'eat', 'action 4']


def test_custom_classes_are_in_their_own_order(path):
    assert names_from_label_map(path, 2, [3, 1]) == ['eat', 'run']


@pytest.mark.parametrize('num_classes, custom', [(2, None), (3, [1, 2])])
def test_a_map_of_other_data_is_refused(path, num_classes, custom):
    with pytest.raises(DataError, match='the ids 1 to 3, but the model has'):
        names_from_label_map(path, num_classes, custom)


def test_order_of_sources(path, tmp_path):
    stored = ['x', 'y', 'z']
    dataset = dict(label_file=path)
    own = ['run', 'sit', 'eat']
    assert find_action_names(3, path, stored, dataset) == own
    assert find_action_names(3, None, stored, dataset) == stored
    assert find_action_names(3, None, stored[:2], dataset) == own
    assert find_action_names(3, None, None, dataset) == own
    numbers = ['action 1', 'action 2', 'action 3']
    assert find_action_names(3, None, None, {}) == numbers
    missing = dict(label_file=str(tmp_path / 'none.pbtxt'))
    assert find_action_names(3, None, None, missing) == numbers
    named = dict(missing, metainfo=dict(classes=['u', 'v', 'w']))
    assert find_action_names(3, None, None, named) == ['u', 'v', 'w']
    assert find_action_names(2, None, None, named) == numbers[:2]
    with pytest.raises(DataError, match='none.pbtxt does not exist'):
        find_action_names(3, missing['label_file'])


def test_order_of_sources_for_segments(tmp_path):
    (tmp_path / 'names.txt').write_text('run\nsit\n\neat\n')
    file = str(tmp_path / 'names.txt')
    own, stored = ['run', 'sit', 'eat'], ('x', 'y', 'z')
    write_json(
        str(tmp_path / 'ann.json'), dict(database={}, classes=['k', 'l', 'm']))
    dataset = dict(ann_file='ann.json', data_root=str(tmp_path))
    named = dict(dataset, metainfo=dict(classes=['u', 'v', 'w']))
    assert find_segment_names(3, file, stored, named) == own
    assert find_segment_names(3, None, stored, named) == list(stored)
    assert find_segment_names(3, None, None, named) == ['u', 'v', 'w']
    assert find_segment_names(3, None, stored[:2], dataset) == ['k', 'l', 'm']
    in_file = dict(metainfo=dict(classes=file))
    assert find_segment_names(3, None, None, in_file) == own
    assert find_segment_names(2, None, stored, named) == ['class 0', 'class 1']
    # classes that come from score fusion
    assert find_segment_names(None, None, stored, named) == list(stored)
    with pytest.raises(DataError, match='names.txt has 3 names, but .* has 2'):
        find_segment_names(2, file)
    with pytest.raises(DataError, match='none.txt does not exist'):
        find_segment_names(2, str(tmp_path / 'none.txt'))


def test_classes_are_chosen_by_name():
    names = ['run', 'sit', 'eat']
    assert choose_classes(names) == [0, 1, 2]
    assert choose_classes(names, ['eat', 'run', 'eat']) == [2, 0]
    assert choose_classes(names, 'sit') == [1]
    for wrong in ([], ['runs'], ['zzz']):
        with pytest.raises(DataError):
            choose_classes(names, wrong)
