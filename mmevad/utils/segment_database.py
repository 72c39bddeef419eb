# Copyright (c) mmevad authors. All rights reserved.
"""Files of annotated segments, in ActivityNet's JSON.

``{'database': {video: {'subset': ..., 'duration': seconds, 'fps': ...,
'annotations': [{'segment': [start, end], 'label': name, 'label_id':
number}]}}, 'classes': [names by number]}``; ``fps``, ``label_id`` and
``classes`` are optional.
"""
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .errors import DataError, raise_data_errors
from .json_file import read_json, write_json


def read_database(path: str) -> Tuple[Dict[str, Any], Optional[List[str]]]:
    """Read the videos of an annotation file, and its classes if it has them.

    Args:
        path (str): JSON file.

    Returns:
        tuple: ``database`` and ``classes`` (None if there are none).

    Raises:
        DataError: If the file is missing or has another form.
    """
    content = read_json(path)
    database = content.get('database')
    if not isinstance(database, dict):
        raise DataError(
            f'{path} has no object "database" that maps each video to its '
            'subset, duration and annotations; tools/data has converters '
            'from other forms.')
    return database, classes_of(content, path)


def classes_of(content: Dict[str, Any], path: str) -> Optional[List[str]]:
    """``classes`` of an annotation file, None if it has none.

    Raises:
        DataError: If they are no list of names.
    """
    classes = content.get('classes')
    if classes is not None and (not isinstance(classes, list) or not all(
            isinstance(name, str) for name in classes)):
        raise DataError(f'{path}: "classes" is no list of names; list them '
                        'in the order of label_id.')
    return classes


def write_database(path: str, database: Dict[str, Any],
                   classes: Sequence[str]) -> str:
    """Write what :func:`read_database` reads.

    Args:
        path (str): JSON file to write, at once and as a whole.
        database (dict): Entry of each video.
        classes (Sequence[str]): Names by number.

    Returns:
        str: A line on each subset.
    """
    write_json(path, dict(classes=list(classes), database=database))
    lines = [f'{path}: {len(classes)} classes']
    for subset in dict.fromkeys(x['subset'] for x in database.values()):
        part = [x for x in database.values() if x['subset'] == subset]
        lines.append(f'{subset}: {len(part)} videos, '
                     f'{sum(len(x["annotations"]) for x in part)} segments')
    return '\n'.join(lines)


def select_subset(database: Dict[str, Any], path: str,
                  subsets: Optional[Sequence[str]]) -> Dict[str, Any]:
    """Videos of some subsets.

    Args:
        database (dict): All videos.
        path (str): Their file, for messages.
        subsets (Sequence[str], optional): Names in any case; None takes
            all videos.

    Raises:
        DataError: If a subset has no video, or a video no subset.
    """
    if subsets is None:
        return database
    wanted = {name.lower() for name in subsets}
    found, names, problems = {}, set(), []
    for video, info in database.items():
        name = info.get('subset') if isinstance(info, dict) else None
        if not isinstance(name, str):
            problems.append(f'{path}, video {video}: there is no "subset"; '
                            'add it, or it would be left out.')
            continue
        names.add(name)
        if name.lower() in wanted:
            found[video] = info
    raise_data_errors(problems)
    absent = wanted - {name.lower() for name in names}
    if absent:
        raise DataError(f'{path} has no video of subset '
                        f'{sorted(absent)[0]!r}; it has the subsets '
                        f'{sorted(names)}.')
    return found
