# Copyright (c) mmevad authors. All rights reserved.
"""What is wrong with a dataset: found, listed and printed."""
from collections import Counter
from typing import Any, List, NamedTuple, Sequence, Tuple

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmevad.utils.errors import DataError


class Problem(NamedTuple):
    """Something that is wrong in a dataset.

    Attributes:
        video (str): Name of the video.
        kind (str): What is wrong, the same few words for the same thing.
        message (str): One sentence: file, place in it, what to do.
    """

    video: str
    kind: str
    message: str


def format_problems(problems: Sequence[Problem], show: int) -> str:
    """Problems by kind, the most frequent kind first.

    Args:
        problems (Sequence[Problem]): The problems.
        show (int): Messages to print for each kind; all if negative.

    Returns:
        str: Lines; the last one counts all problems.
    """
    lines: List[str] = []
    for kind, count in Counter(x.kind for x in problems).most_common():
        found = [x for x in problems if x.kind == kind]
        videos = len({x.video for x in found})
        lines.append(f'{kind}: {count} in {videos} videos')
        shown = found if show < 0 else found[:show]
        lines += [f'  {x.message}' for x in shown]
        if len(shown) < count:
            lines.append(f'  ... and {count - len(shown)} more')
    lines.append(f'{len(problems)} problems')
    return '\n'.join(lines)


def lazy_datasets(path: str, splits: Sequence[str],
                  kinds: Tuple[type, ...]) -> List[Any]:
    """Datasets of a config that have not looked at any file yet.

    Args:
        path (str): The config.
        splits (Sequence[str]): 'train', 'val' or 'test' each.
        kinds (tuple[type]): Classes of datasets to take.

    Returns:
        list: Datasets, each once, also if wrapped in others.

    Raises:
        DataError: If there are none.
    """
    config = Config.fromfile(path)
    init_default_scope(config.get('default_scope', 'mmaction'))
    datasets: List[Any] = []
    seen: List[dict] = []
    for split in splits:
        loader = config.get(f'{split}_dataloader') or {}
        for settings in _dataset_settings(loader.get('dataset', [])):
            settings = dict(settings, lazy_init=True)
            key = {
                name: value
                for name, value in settings.items()
                if name not in ('pipeline', 'test_mode')
            }
            if key not in seen:
                seen.append(key)
                datasets.append(DATASETS.build(settings))
    datasets = [x for x in datasets if isinstance(x, kinds)]
    if not datasets:
        names = ' or '.join(kind.__name__ for kind in kinds)
        raise DataError(f'{path} has no {names} in the dataloaders of '
                        f'{", ".join(splits)}.')
    return datasets


def _dataset_settings(config: Any) -> List[dict]:
    """Settings of the datasets inside wrappers."""
    if isinstance(config, (list, tuple)):
        return sum(map(_dataset_settings, config), [])
    if 'ann_file' in config:
        return [config]
    inner = config.get('dataset', config.get('datasets', []))
    return _dataset_settings(inner)
