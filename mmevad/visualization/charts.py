# Copyright (c) mmevad authors. All rights reserved.
"""Charts of numbers, drawn by matplotlib without a window."""
import os
import os.path as osp
from typing import Dict, Optional, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 100
# readable side by side, also for the colour-blind (Okabe and Ito)
PALETTE = ('#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9',
           '#888888')


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches whose parts keep out of each other's way."""
    figure = Figure((width, height), _DPI, layout='constrained')
    # older matplotlibs leave no room for half a label at the last tick
    figure.get_layout_engine().set(w_pad=0.12)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str) -> None:
    """Write a figure; its folder is made if needed."""
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
    figure.savefig(path)


def plain(text: str) -> str:
    """Text in which matplotlib sees no formulas."""
    return text.replace('$', r'\$')


def class_bars(runs: Dict[str, Dict[str, float]], title: str = '') -> Figure:
    """AP of each class, runs side by side, the best class of the first run
    on top (fig. 9 and 10 of arXiv 2304.08451).

    Args:
        runs (dict): For each run, AP in percent by class. A class that a run
            lacks has no bar.
        title (str): Defaults to ''.
    """
    first = next(iter(runs.values()))
    classes = sorted({c: 0
                      for run in runs.values()
                      for c in run},
                     key=lambda c: first.get(c, -1.))
    bar = .8 / len(runs)
    figure = new_figure(9, 1.4 + .14 * (len(runs) + .6) * len(classes))
    axes = figure.add_subplot()
    for i, (name, aps) in enumerate(runs.items()):
        values = np.array([aps.get(c, np.nan) for c in classes])
        places = np.arange(len(classes)) + .4 - bar * (i + .5)
        label = f'{plain(name)}, mean {np.nanmean(values):.2f}'
        bars = axes.barh(places, values, bar, color=PALETTE[i], label=label)
        axes.bar_label(
            bars, ['' if np.isnan(v) else f'{v:.1f}' for v in values],
            padding=2,
            fontsize=8)
    axes.set_yticks(range(len(classes)), [plain(c) for c in classes])
    axes.set_ylim(-.6, len(classes) - .4)
    axes.set_xlim(0, 108)
    axes.set_xlabel('AP in percent')
    axes.grid(axis='x', alpha=.4)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.set_title(plain(title), fontsize=11)
    figure.legend(loc='outside upper center', ncols=len(runs), frameon=False)
    return figure


def share_curves(rates: Sequence[float],
                 curves: Dict[str, Sequence[float]],
                 title: str = '',
                 dashed: Optional[Dict[str, Sequence[float]]] = None,
                 x_label: str = 'keep rate') -> Figure:
    """Percentages over the keep rate (fig. 7 of arXiv 2304.08451).

    Args:
        rates (list[float]): N keep rates.
        curves (dict): For each curve N percentages.
        title (str): Defaults to ''.
        dashed (dict, optional): For curves of the same name, what chance
            would give. Defaults to None.
        x_label (str): Defaults to 'keep rate'.
    """
    figure = new_figure(8, 4.6)
    axes = figure.add_subplot()
    for i, (name, values) in enumerate(curves.items()):
        axes.plot(rates, values, 'o-', color=PALETTE[i], label=plain(name))
        if dashed and name in dashed:
            axes.plot(
                rates,
                dashed[name],
                '--',
                color=PALETTE[i],
                label=f'{plain(name)}, by chance')
    axes.set_xlabel(x_label)
    axes.set_ylabel('percent')
    axes.set_ylim(0, 103)
    axes.set_xticks(rates)
    axes.grid(alpha=.4)
    axes.spines[['top', 'right']].set_visible(False)
    axes.set_title(plain(title), fontsize=11)
    figure.legend(loc='outside lower center', ncols=2, frameon=False)
    return figure


def error_charts(profile: np.ndarray,
                 kinds: Sequence[str],
                 gains: Dict[str, float],
                 title: str = '') -> Figure:
    """Kinds of predictions by rank, and what their removal would gain.

    Args:
        profile (np.ndarray): (K, kinds) shares of the predictions ranked
            from k * m to (k + 1) * m in a class with m annotations.
        kinds (list[str]): True positives first, then the errors.
        gains (dict): For each kind of error, gain of the mAP in points.
        title (str): Defaults to ''.
    """
    figure = new_figure(10, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    colors = ('#009e73', '#888888', '#d55e00', '#56b4e9', '#cc79a7', '#e69f00')
    base, ranks = np.zeros(len(profile)), np.arange(1, len(profile) + 1)
    for kind, share, color in zip(kinds, 100 * profile.T, colors):
        left.bar(ranks, share, .85, base, color=color, label=kind)
        for x, y, height in zip(ranks, base + share / 2, share):
            if height >= 5:
                left.text(
                    x, y, f'{height:.0f}', ha='center', va='center', size=8)
        base = base + share
    left.set_xticks(ranks, [f'{k}G' for k in ranks])
    left.set_xlabel('best predictions; G annotations of the class')
    left.set_ylabel('share in percent')
    left.set_ylim(0, 100)
    names = list(gains)[::-1]
    bars = right.barh(
        names, [gains[name] for name in names],
        .7,
        color=[colors[list(kinds).index(name)] for name in names])
    right.bar_label(bars, [f'{gains[name]:+.2f}' for name in names], padding=3)
    right.set_xlabel('gain of the mAP without them, in points')
    right.margins(x=.22)
    for axes in (left, right):
        axes.spines[['top', 'right']].set_visible(False)
    if title:
        figure.suptitle(plain(title))
    figure.legend(
        *left.get_legend_handles_labels(),
        loc='outside lower center',
        ncols=len(kinds),
        frameon=False)
    return figure
