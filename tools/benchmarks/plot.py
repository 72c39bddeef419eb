# Copyright (c) mmevad authors. All rights reserved.
"""Curves of cost against size."""
from typing import Dict, List, Sequence

Curves = Dict[str, List]


def curves(
    rows: List[Dict],
    key: str,
    sides: Sequence[str] = ('ours', 'plain'),
    by: Sequence[str] = ('dtype', )
) -> Curves:
    """Values of each side, one curve for each setting of ``by``.

    Args:
        rows (list[dict]): Of a benchmark.
        key (str): Of the value, behind the side and an underscore.
        sides (list[str]): Defaults to ours and plain.
        by (list[str]): Keys of the settings that make a curve. Defaults to
            the dtype.

    Returns:
        dict: Curves as long as ``rows``, None for rows of other settings.
    """
    found: Curves = {}
    settings = [' '.join(str(row[name]) for name in by) for row in rows]
    for setting in dict.fromkeys(settings):
        for side in sides:
            found[f'{side} {setting}'] = [
                row[f'{side}_{key}'] if own == setting else None
                for row, own in zip(rows, settings)
            ]
    return found


def save(path: str, xlabel: str, sizes: Sequence[float],
         panels: Dict[str, Curves]) -> None:
    """One panel for each kind of cost, one curve for each side.

    Args:
        path (str): Image file.
        xlabel (str): What the sizes are.
        sizes (list[float]): Of the points.
        panels (dict): Label of the cost -> curves by name; None where a
            side was not measured. Panels without any point are left out.
    """
    from matplotlib.figure import Figure
    panels = {
        label: found
        for label, found in panels.items() if any(
            value is not None for curve in found.values() for value in curve)
    }
    figure = Figure(figsize=(4.5 * len(panels), 3.4), layout='constrained')
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (ylabel, curves) in zip(axes, panels.items()):
        for name, values in curves.items():
            points = sorted((size, value)
                            for size, value in zip(sizes, values)
                            if value is not None)
            if points:
                axis.plot(*zip(*points), marker='o', label=name)
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=150)
