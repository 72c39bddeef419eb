# Copyright (c) mmevad authors. All rights reserved.
"""Frame-mAP and video-mAP as text."""
from typing import List, Sequence, Tuple

import numpy as np

from .tube_truth import TubeTruth


def format_tube_scores(labels: Sequence[str],
                       columns: Sequence[Tuple[str, np.ndarray]],
                       truth: TubeTruth) -> str:
    """A table in percent: AP of each class, and their mean.

    Args:
        labels (Sequence[str]): Names of C classes.
        columns (Sequence[Tuple[str, np.ndarray]]): Titles and AP (C,),
            fractions; NaN for a class without ground truth.
        truth (TubeTruth): Ground truth, whose boxes and tubes are counted.
    """
    kinds = len(labels)
    boxes = np.bincount(
        np.repeat(truth.boxes.labels, truth.boxes.sizes), minlength=kinds)
    tubes = np.bincount(truth.tubes.labels, minlength=kinds)
    lines = [_row('', [title for title, _ in columns] + ['boxes', 'tubes'])]
    for label, name in enumerate(labels):
        cells = [
            '-' if np.isnan(ap[label]) else f'{100 * ap[label]:.2f}'
            for _, ap in columns
        ]
        lines.append(
            _row(name, [*cells, str(boxes[label]),
                        str(tubes[label])]))
    means = [f'{100 * np.nanmean(ap):.2f}' for _, ap in columns]
    lines.append(_row('mean', [*means, str(boxes.sum()), str(tubes.sum())]))
    return '\n'.join(lines)


def _row(name: str, cells: List[str]) -> str:
    return f'{name:<24}' + ''.join(f'{cell:>16}' for cell in cells)
