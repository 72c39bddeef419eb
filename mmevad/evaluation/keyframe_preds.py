# Copyright (c) mmevad authors. All rights reserved.
"""Predicted boxes of keyframes: checked one by one, then as one table."""
import logging
from collections import Counter
from typing import List, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmevad.utils.errors import DataError, raise_data_errors
from .ava_map import KeyframeBoxes
from .keyframe_truth import AnnotatedKeyframes, Keyframe

# A keyframe, its boxes (n, 4) and their scores (n, C), both float32.
Prediction = Tuple[Keyframe, np.ndarray, np.ndarray]

# Boxes may leave the frame by rounding or by design, but not by this much.
_LEFT, _RIGHT = -0.5, 1.5


def check_prediction(sample: dict, scores: Union[Tensor, np.ndarray],
                     num_columns: int) -> Prediction:
    """Boxes and scores of one keyframe, as arrays.

    Args:
        sample (dict): ``video_id``, ``timestamp`` and ``pred_instances`` with
            ``bboxes`` (n, 4), xyxy in [0, 1].
        scores (Tensor or np.ndarray): (n, num_columns).
        num_columns (int): Columns that ``scores`` must have.

    Raises:
        DataError: If a shape is wrong, a number is not finite, or a box ends
            before it starts or is in pixels.
    """
    key = (sample['video_id'], int(sample['timestamp']))
    place = f'The model, keyframe {name_of(key)}'
    boxes, scores = (
        torch.as_tensor(x).detach().float().cpu().numpy()
        for x in (sample['pred_instances']['bboxes'], scores))
    if not boxes.size:
        boxes, scores = boxes.reshape(0, 4), scores.reshape(0, num_columns)
    if boxes.shape != (len(boxes), 4) or scores.shape != (len(boxes),
                                                          num_columns):
        raise DataError(
            f'{place}: bboxes {boxes.shape} and scores {scores.shape} should '
            f'be (n, 4) and (n, {num_columns}), with a background column in '
            'front of actions; give the model and the metric the same '
            'classes.')
    # not (a <= b), because NaN compares as False
    good = np.isfinite(boxes).all(1) & (boxes[:, :2] <= boxes[:, 2:]).all(1)
    good &= ((boxes >= _LEFT) & (boxes <= _RIGHT)).all(1)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise DataError(f'{place}, box {row}: {boxes[row].tolist()} is not '
                        'x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, divided '
                        'by the width and height of the frame.')
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores).all(1))[0])
        raise DataError(f'{place}, box {row}: a score is not finite; look at '
                        'the loss of the training.')
    return key, boxes, scores


def stack_predictions(results: Sequence[Prediction],
                      truth: AnnotatedKeyframes,
                      ignore_others: bool = True) -> KeyframeBoxes:
    """All keyframes as one table; logs which do not count.

    Args:
        results (Sequence[Prediction]): One per keyframe.
        truth (AnnotatedKeyframes): Numbers the keyframes.
        ignore_others (bool): Leave out keyframes without ground truth;
            otherwise all boxes on them are false. Defaults to True.

    Returns:
        KeyframeBoxes: In the order of the results.

    Raises:
        DataError: If nothing was predicted, a keyframe twice, or none that is
            annotated.
    """
    if not results:
        raise DataError('No keyframe was predicted; look at the dataset of '
                        'the evaluation loop.')
    counts = Counter(key for key, _, _ in results)
    raise_data_errors([
        f'Keyframe {name_of(key)} was predicted {count} times; the dataset '
        'must list it once.' for key, count in counts.items() if count > 1
    ])
    kept = [x for x in results if x[0] not in truth.excluded]
    known = [x for x in kept if x[0] in truth.numbers]
    if not known:
        raise DataError(
            f'None of the {len(results)} predicted keyframes is annotated in '
            f'{truth.path}: it has {name_of(next(iter(truth.numbers)))}, the '
            f'model {name_of(results[0][0])}; the dataset and the metric need '
            'the same ann_file.')
    _log_counts(results, kept, known, truth, ignore_others)
    numbers = dict(truth.numbers)
    used = known if ignore_others else kept
    frames = [numbers.setdefault(key, len(numbers)) for key, _, _ in used]
    return KeyframeBoxes(
        np.repeat(frames, [len(boxes) for _, boxes, _ in used]),
        np.concatenate([boxes for _, boxes, _ in used]),
        np.concatenate([scores for _, _, scores in used]))


def name_of(key: Keyframe) -> str:
    """A keyframe as in AVA's files."""
    return f'{key[0]},{key[1]:04d}'


def _log_counts(results: List[Prediction], kept: List[Prediction],
                known: List[Prediction], truth: AnnotatedKeyframes,
                ignore_others: bool) -> None:
    parts = []
    if len(kept) < len(results):
        parts.append(f'{len(results) - len(kept)} predicted keyframes are '
                     'excluded')
    if len(known) < len(kept):
        fate = ('left out' if ignore_others else
                'counted as false, with all of their boxes')
        parts.append(f'{len(kept) - len(known)} predicted keyframes have no '
                     f'ground truth of these classes and are {fate}')
    missed = len(truth.numbers) - len(known)
    if missed:
        parts.append(f'{missed} of {len(truth.numbers)} annotated keyframes '
                     'were not predicted; their boxes count as missed')
    if parts:
        print_log(
            f'{truth.path}: ' + '; '.join(parts) + '.',
            logger='current',
            level=logging.WARNING if missed else logging.INFO)
