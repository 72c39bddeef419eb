# Copyright (c) mmevad authors. All rights reserved.
"""Segment metrics as text."""
from typing import Dict, List, Optional, Sequence

from .segment_map import SegmentScores


def format_scores(scores: SegmentScores,
                  names: Optional[Dict[int, str]] = None) -> str:
    """A table in percent: mAP, recall and, with names, AP of each class.

    Args:
        scores (SegmentScores): Fractions.
        names (dict, optional): Names of the classes by number. Defaults to
            None, which means no rows for classes.
    """
    lines = [_row('tIoU', [f'{x:.2f}' for x in scores.tious] + ['average'])]
    lines.append(_percent('mAP', scores.mean_ap))
    if names is not None:
        for c, label in enumerate(scores.classes):
            lines.append(
                _percent(names[label], scores.ap[:, c]) +
                f'   {scores.num_gts[c]} annotated, '
                f'{scores.num_preds[c]} predicted')
    if scores.recall_k:
        lines.append(_row('tIoU', [f'{x:.2f}' for x in scores.recall_tious]))
    for k, recall in zip(scores.recall_k, scores.mean_recall.T):
        lines.append(_percent(f'Recall@{k}x', recall, average=False))
    return '\n'.join(lines)


def _percent(name: str,
             fractions: Sequence[float],
             average: bool = True) -> str:
    cells = [f'{100 * x:.2f}' for x in fractions]
    if average:
        cells.append(f'{100 * sum(fractions) / len(fractions):.2f}')
    return _row(name, cells)


def _row(name: str, cells: List[str]) -> str:
    return f'{name:<24}' + ''.join(f'{cell:>8}' for cell in cells)
