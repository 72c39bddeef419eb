# Copyright (c) mmevad authors. All rights reserved.
"""Names of the actions that a model scores."""
import os.path as osp
from typing import List, Optional, Sequence

from mmaction.evaluation import read_labelmap
from mmengine.logging import print_log

from mmevad.datasets.ava_checks import read_label_ids
from mmevad.utils.errors import DataError


def names_from_label_map(
        path: str,
        num_classes: int,
        custom_classes: Optional[Sequence[int]] = None) -> List[str]:
    """Read a .pbtxt label map.

    Args:
        path (str): Path to the label map.
        num_classes (int): Actions of the model, without background.
        custom_classes (list[int], optional): Ids that the model was trained
            on, in the order of its scores; all by default.

    Returns:
        list[str]: The name of each action; 'action 16' for an id that the
        label map does not list.

    Raises:
        DataError: If the file is missing or wrong, or has ids that the model
            does not have.
    """
    ids = read_label_ids(path)
    wanted = list(custom_classes or range(1, num_classes + 1))
    if len(wanted) != num_classes or (not custom_classes
                                      and not ids <= set(wanted)):
        raise DataError(
            f'The label file {path} has the ids {min(ids)} to {max(ids)}, '
            f'but the model has {num_classes} actions; use the label file of '
            'the data that it was trained on.')
    with open(path) as file:
        names = {row['id']: row['name'] for row in read_labelmap(file)[0]}
    return [names.get(i, f'action {i}') for i in wanted]


def find_action_names(num_classes: int,
                      label_map: Optional[str] = None,
                      classes: Optional[Sequence[str]] = None,
                      dataset: Optional[dict] = None) -> List[str]:
    """Names from the first source there is.

    Args:
        num_classes (int): Actions of the model, without background.
        label_map (str, optional): First choice; it must fit.
        classes (list[str], optional): Second choice, the ``classes`` that a
            checkpoint stores; passed over if their number is another.
        dataset (dict, optional): Third choice, the config's dataset with
            ``label_file`` and ``custom_classes``; passed over if the file
            does not exist.

    Returns:
        list[str]: ``num_classes`` names, numbers ('action 1') if there is no
        source.

    Raises:
        DataError: As :func:`names_from_label_map`.
    """
    dataset = dataset or {}
    custom = dataset.get('custom_classes')
    if label_map is not None:
        return names_from_label_map(label_map, num_classes, custom)
    if classes is not None and len(classes) == num_classes:
        return list(classes)
    found = dataset.get('label_file')
    if found and osp.isfile(found):
        return names_from_label_map(found, num_classes, custom)
    print_log(
        f'The label file {found} of the config does not exist: actions are '
        'shown as numbers.',
        logger='current')
    return [f'action {i}' for i in range(1, num_classes + 1)]
