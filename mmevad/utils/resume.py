# Copyright (c) mmevad authors. All rights reserved.
"""The checkpoint that an interrupted training goes on from."""
import glob
import logging
import os.path as osp
import re
import zipfile
from typing import List, Optional

from mmengine.logging import print_log

from .errors import CheckpointError


def damage_of(path: str) -> Optional[str]:
    """What is wrong with a checkpoint file, without loading it.

    PyTorch's files are zip archives with checksums; all of it is read.

    Args:
        path (str): Checkpoint on a local disk.

    Returns:
        str, optional: The problem, None if there is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        return str(error)
    return wrong and f'the part {wrong} is damaged'


def _newest_first(work_dir: str) -> List[str]:
    """Checkpoints of a work directory, the one it points to in front."""
    found = {}
    for path in glob.glob(osp.join(glob.escape(work_dir), '*.pth')):
        match = re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', osp.basename(path))
        if match:
            found[path] = int(match[1])
    paths = sorted(found, key=found.get, reverse=True)
    pointer = osp.join(work_dir, 'last_checkpoint')
    if osp.isfile(pointer):
        with open(pointer) as file:
            last = file.read().strip()
        if osp.isfile(last):
            paths = [last] + [
                path for path in paths if not osp.samefile(path, last)
            ]
    return paths


def latest_checkpoint(work_dir: str) -> Optional[str]:
    """The newest checkpoint that is complete.

    Those that are not are named in the log.

    Args:
        work_dir (str): Where training was interrupted.

    Returns:
        str, optional: Its path; None if there are no checkpoints at all.

    Raises:
        CheckpointError: If there are some, but none can be read.
    """
    paths = _newest_first(work_dir)
    for path in paths:
        problem = damage_of(path)
        if problem is None:
            return path
        print_log(
            f'The checkpoint {path} cannot be used ({problem}); looking for '
            'the one before it.',
            logger='current',
            level=logging.WARNING)
    if paths:
        raise CheckpointError(
            f'None of the {len(paths)} checkpoints in {work_dir} can be read; '
            'train without --resume to start anew.')
    return None
