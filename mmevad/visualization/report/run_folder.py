# Copyright (c) mmevad authors. All rights reserved.
"""Which of the files of a run a report can use."""
import glob
import os.path as osp
from typing import List, NamedTuple, Optional

from mmevad.utils.errors import DataError
from mmevad.utils.json_file import read_json

_STAMP = '[0-9]*_[0-9]*'


class RunFolder(NamedTuple):
    """Files in a work directory, or in the output folder of a demo.

    Attributes:
        path (str): The folder.
        stamps (list[str]): Folders of single starts, the oldest first.
        config (str, optional): The config that the run has saved.
        results (list[str]): JSON files with predictions.
        checkpoint (str, optional): What a report could be made with; it is
            named, never loaded unasked.
    """
    path: str
    stamps: List[str]
    config: Optional[str]
    results: List[str]
    checkpoint: Optional[str]


def _list(folder: str, *pattern: str) -> List[str]:
    return sorted(glob.glob(osp.join(glob.escape(folder), *pattern)))


def is_result(content: dict) -> bool:
    """Whether a JSON object is of a demo or of ``SegmentMAP``'s dump."""
    return 'results' in content or 'video' in content and (
        'keyframes' in content or 'segments' in content)


def scan_run(path: str) -> RunFolder:
    """Look what is in a folder.

    Raises:
        DataError: If it does not exist, a JSON file in it is broken, or
            nothing in it is from a run.
    """
    if not osp.isdir(path):
        raise DataError(f'The folder {path} does not exist; give the work '
                        'directory of a training or a test, or the output '
                        'folder of a demo.')
    stamps = [x for x in _list(path, _STAMP) if osp.isdir(x)]
    configs = sorted(_list(path, '*.py'), key=osp.getmtime)
    configs = configs or _list(path, _STAMP, 'vis_data', 'config.py')
    results = [x for x in _list(path, '*.json') if is_result(read_json(x))]
    found = RunFolder(path, stamps, configs[-1] if configs else None, results,
                      _checkpoint(path))
    if not (stamps or results):
        raise DataError(
            f'{path} holds nothing of a run: neither folders named by date '
            'and time, which training and testing make, nor JSON files of '
            'the demos; give another folder.')
    return found


def _checkpoint(path: str) -> Optional[str]:
    files = _list(path, 'best_*.pth') or sorted(
        _list(path, '*.pth'), key=osp.getmtime)
    return files[-1] if files else None
