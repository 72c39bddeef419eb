# Copyright (c) mmevad authors. All rights reserved.
import pytest

from mmevad.apis.action_names import find_action_names, names_from_label_map
from mmevad.utils.errors import DataError
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
    with pytest.raises(DataError, match='none.pbtxt does not exist'):
        find_action_names(3, missing['label_file'])
