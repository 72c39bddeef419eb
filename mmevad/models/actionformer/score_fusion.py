# Copyright (c) mmevad authors. All rights reserved.
"""Classes for class-agnostic proposals, from a classifier of whole videos."""
from functools import cached_property
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

import numpy as np
from mmaction.registry import MODELS
from torch import Tensor

from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.json_file import parse_json
from mmevad.utils.npz_file import read_npz
from mmevad.utils.safe_pickle import safe_pickle_loads


@MODELS.register_module()
class ScoreFusion:
    """Every proposal becomes an action of each of the video's best classes.

    Its score is the square root of class score times proposal score
    (ActionFormer, arXiv 2202.07925, section 4.2, ActivityNet).

    Args:
        score_file (str): Class scores by video, in the order of the labels:
            .json or .pkl with ``{video: scores}``, also inside a key
            ``results``; or .npz with one array per video. Read when the
            first video comes.
        topk (int): Classes per video. Defaults to 2.
        num_pred (int, optional): Best proposals per video that are used.
            None: all. Defaults to 200.

    Raises:
        ValueError: If ``topk`` or ``num_pred`` is not positive.
    """

    def __init__(self,
                 score_file: str,
                 topk: int = 2,
                 num_pred: Optional[int] = 200) -> None:
        if topk < 1 or (num_pred is not None and num_pred < 1):
            raise ValueError('topk and num_pred must be at least 1, got '
                             f'{topk} and {num_pred}.')
        self.score_file = str(score_file)
        self.topk = topk
        self.num_pred = num_pred

    def __call__(self, segments: Tensor, scores: Tensor, labels: Tensor,
                 video_name: str) -> Tuple[Tensor, Tensor, Tensor]:
        """Fuse the proposals of one video.

        Args:
            segments (Tensor): (N, 2).
            scores (Tensor): (N, ), not negative.
            labels (Tensor): int64 (N, ), all 0.
            video_name (str): As in the score file.

        Returns:
            tuple[Tensor]: segments (M, 2), scores (M, ) and labels (M, ) of
            ``topk * min(N, num_pred)`` actions, best first.

        Raises:
            DataError: If the file cannot be used, or lacks the video.
            ValueError: If the proposals have classes already.
        """
        if labels.any():
            raise ValueError(
                'Score fusion gives classes to class-agnostic proposals, but '
                f'those of {video_name} have label {int(labels.max())}: train '
                'with num_classes=1, or set score_fusion=None.')
        external = scores.new_tensor(self._of(video_name))
        external, classes = external.sort(descending=True, stable=True)
        best = scores.argsort(descending=True, stable=True)[:self.num_pred]
        # (topk, N)
        fused = (external[:self.topk, None] * scores[best]).sqrt()
        fused, order = fused.flatten().sort(descending=True, stable=True)
        return (segments[best].repeat(self.topk, 1)[order], fused,
                classes[:self.topk].repeat_interleave(len(best))[order])

    @cached_property
    def _class_scores(self) -> Dict[str, np.ndarray]:
        return read_class_scores(self.score_file)

    def _of(self, video_name: str) -> np.ndarray:
        """Class scores of one video, at least ``topk``."""
        table = self._class_scores
        if video_name not in table:
            raise DataError(
                f'{self.score_file} has no class scores for the video '
                f'{video_name!r} (it has {len(table)} videos, such as '
                f'{next(iter(table))!r}): add it, or name the videos alike.')
        if len(table[video_name]) < self.topk:
            raise DataError(
                f'{self.score_file} has {len(table[video_name])} classes, '
                f'fewer than topk={self.topk}.')
        return table[video_name]


def read_class_scores(score_file: str) -> Dict[str, np.ndarray]:
    """Class scores (num_classes, ) by video.

    Args:
        score_file (str): See :class:`ScoreFusion`.

    Returns:
        dict[str, np.ndarray]: float64 scores by video.

    Raises:
        DataError: If the file is missing, of another kind, or a video's
            scores aren't one finite, non-negative number per class.
    """
    path = Path(score_file)
    if not path.is_file():
        raise DataError(f'The file of class scores {path} does not exist: '
                        'correct score_file, or set score_fusion=None.')
    try:
        content = _read(path)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f'{path} cannot be read: {error}.') from error
    if isinstance(content, dict) and isinstance(content.get('results'), dict):
        content = content['results']
    if not isinstance(content, Mapping) or not content:
        raise DataError(f'{path} holds no class scores by video.')
    problems, table, num_classes = [], {}, None
    for video, values in content.items():
        try:
            row = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            row = np.empty(0)
        if num_classes is None:
            num_classes = len(row) if row.ndim else 0
        if row.shape != (num_classes, ) or not num_classes:
            problems.append(f'{path}: the scores of {video!r} are not one '
                            f'number for each of {num_classes} classes.')
        elif not (np.isfinite(row) & (row >= 0)).all():
            problems.append(f'{path}: scores of {video!r} are negative, NaN '
                            'or infinite; probabilities are needed.')
        table[str(video)] = row
    raise_data_errors(problems)
    return table


def _read(path: Path) -> object:
    """What a file of any kind holds."""
    if path.suffix == '.json':
        return parse_json(path.read_bytes(), str(path))
    if path.suffix == '.npz':
        return read_npz(str(path))
    if path.suffix in ('.pkl', '.pickle'):
        return safe_pickle_loads(path.read_bytes(), str(path))
    raise DataError(f'{path} is neither .json, .npz nor .pkl.')
