# Copyright (c) mmevad authors. All rights reserved.
"""Names of the classes of a segment dataset, by number."""
import os.path as osp
from typing import Any, Dict, List, Optional, Sequence, Union

from mmevad.utils.errors import DataError
from mmevad.utils.packed_file import read_lines
from .segment_annotations import derive_classes


def with_names(metainfo: Optional[dict]) -> Optional[dict]:
    """Metainfo with the names of classes, where there is a file of them.

    Raises:
        DataError: If the file cannot be read.
    """
    classes = (metainfo or {}).get('classes')
    if not isinstance(classes, str) or not osp.exists(classes):
        return metainfo
    names = read_lines(classes, 'correct classes of metainfo')
    return dict(metainfo, classes=names)


def find_classes(classes: Union[str, Sequence[str],
                                None], database: Dict[str, Any], path: str,
                 class_agnostic: bool) -> Optional[List[str]]:
    """Names by number, None if labels do not matter.

    Args:
        classes (str or Sequence[str], optional): Names that are given, or a
            file of them that is not there. If None, they come from the
            annotations.
        database (dict): Entry of each video.
        path (str): Where it is from, for messages.
        class_agnostic (bool): Whether all labels become 0.

    Raises:
        DataError: If there is no such file, a name occurs twice, or the
            annotations do not say the names.
    """
    if isinstance(classes, str):
        raise DataError(f'The label file {classes} does not exist; set '
                        'classes of metainfo to names or to a file with '
                        'one name per line.')
    if classes is None and class_agnostic:
        return None
    if classes is None:
        classes = derive_classes(database, path)
    classes = list(classes)
    if len(set(classes)) != len(classes):
        twice = next(x for x in classes if classes.count(x) > 1)
        raise DataError(f'The class {twice!r} occurs twice in '
                        f'{path} or metainfo; give each class '
                        'its own name.')
    return classes
