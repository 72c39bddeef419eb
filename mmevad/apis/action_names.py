# Copyright (c) mmevad authors. All rights reserved.
"""Names of the actions that a model scores or localizes."""
import os.path as osp
from difflib import get_close_matches
from typing import List, Optional, Sequence

from mmaction.evaluation import read_labelmap
from mmengine.logging import print_log

from mmevad.datasets.ava_checks import read_label_ids
from mmevad.datasets.segment_annotations import derive_classes
from mmevad.utils.errors import DataError
from mmevad.utils.segment_database import read_database


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
            ``label_file`` and ``custom_classes``; if the file does not
            exist, with ``metainfo.classes``.

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
    named = (dataset.get('metainfo') or {}).get('classes') or ()
    if not isinstance(named, str) and len(named) == num_classes:
        return list(named)
    print_log(
        f'The label file {found} of the config does not exist: actions are '
        'shown as numbers.',
        logger='current')
    return [f'action {i}' for i in range(1, num_classes + 1)]


def find_segment_names(num_classes: Optional[int],
                       class_file: Optional[str] = None,
                       classes: Optional[Sequence[str]] = None,
                       dataset: Optional[dict] = None) -> List[str]:
    """Names from the first source there is.

    Args:
        num_classes (int, optional): Of the model; None if its classes come
            from elsewhere (score fusion), then any number of names fits.
        class_file (str, optional): First choice, a text file with one name
            per line; it must fit.
        classes (list[str], optional): Second choice, the ``classes`` that a
            checkpoint stores; passed over if their number is another.
        dataset (dict, optional): Third choice, the config's dataset with
            ``metainfo.classes`` or an ``ann_file`` that exists.

    Returns:
        list[str]: Names, numbers ('class 0') if there is no source.

    Raises:
        DataError: If the class file is missing or does not fit.
    """
    if class_file is not None:
        if not osp.isfile(class_file):
            raise DataError(f'The class file {class_file} does not exist.')
        names = _lines(class_file)
        if num_classes not in (None, len(names)):
            raise DataError(f'The class file {class_file} has {len(names)} '
                            f'names, but the model has {num_classes} '
                            'classes; use that of the data that it was '
                            'trained on.')
        return names
    dataset = dataset or {}
    named = (dataset.get('metainfo') or {}).get('classes')
    if isinstance(named, str):
        named = _lines(named) if osp.isfile(named) else None
    path = osp.join(dataset.get('data_root', ''), dataset.get('ann_file', ''))
    for names in (classes, named):
        if names and num_classes in (None, len(names)):
            return list(names)
    if osp.isfile(path):
        database, names = read_database(path)
        names = names or derive_classes(database, path)
        if num_classes in (None, len(names)):
            return names
    print_log(
        'Neither checkpoint nor config names the classes: they are shown as '
        'numbers.',
        logger='current')
    return [f'class {i}' for i in range(num_classes or 0)]


def _lines(path: str) -> List[str]:
    with open(path, encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip()]


def choose_classes(names: Sequence[str],
                   wanted: Optional[Sequence[str]] = None) -> List[int]:
    """Indices of classes by their names.

    Args:
        names (list[str]): Of all classes.
        wanted (list[str], optional): All by default.

    Raises:
        DataError: If there is none, or no class of that name; says which
            there are.
    """
    if wanted is None:
        return list(range(len(names)))
    if isinstance(wanted, str):
        wanted = [wanted]
    if not wanted:
        raise DataError('No classes are chosen; name at least one.')
    for name in wanted:
        if name not in names:
            close = get_close_matches(name, names, 3, .5)
            hint = (f'the closest are {", ".join(close)}'
                    if close else f'it has {", ".join(names)}')
            raise DataError(f'The model has no class {name!r}; {hint}.')
    return [names.index(name) for name in dict.fromkeys(wanted)]
