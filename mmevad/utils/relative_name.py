# Copyright (c) mmevad authors. All rights reserved.
"""Names from annotation files that become parts of paths."""
import re
from typing import Optional

_CONTROL = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff]')
_ABSOLUTE = re.compile(r'[/\\]|[A-Za-z]:')


def name_problem(name: str) -> Optional[str]:
    """Why a name cannot stand behind a folder's.

    Folders inside it are fine, as in ``Basketball/v_Basketball_g01_c01``.

    Args:
        name (str): Of a video, from a file.

    Returns:
        str, optional: The end of a sentence, None if the name is good.
    """
    if not name.strip():
        return 'is empty; fill it in'
    if _CONTROL.search(name):
        return 'has a character that no file name has; correct it'
    if _ABSOLUTE.match(name) or '..' in re.split(r'[/\\]', name):
        return ('would lead out of the folder of the data; use names '
                'relative to it, without ".."')
    return None
