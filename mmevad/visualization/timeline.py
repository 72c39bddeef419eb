# Copyright (c) mmevad authors. All rights reserved.
"""Segments on a time axis, in rows, as a picture."""
import math
import os
import os.path as osp
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Color, distinct_color
from .time_axis import (BLACK, GREY, TEXT_SIZE, TimeAxis, shorten_text,
                        text_font, text_width)

_INSIDE, _OUTSIDE = (246, ) * 3, (226, ) * 3  # of the time of the video
_MARGIN = 12
_ROW_GAP = 8
_LANE = (4, 20)  # least and usual height of a bar
_LANES_HEIGHT = 200  # of a row, from which on bars become lower
_TEXT_LANE = 14  # a lower bar has no text
_CURVE_HEIGHT = 70

Curve = Tuple[Sequence[float], Sequence[float]]


class Bar(NamedTuple):
    """A segment with its place among those that overlap it.

    Attributes:
        start, end (float): Seconds.
        label (str): Class.
        score (float, optional): In [0, 1]; None for ground truth.
        lane (int): 0 is the uppermost.
    """
    start: float
    end: float
    label: str
    score: Optional[float]
    lane: int


def stack_segments(segments: Sequence[dict]) -> List[Bar]:
    """Put segments that overlap below each other, in as few lanes as needed.

    Args:
        segments (list[dict]): ``dict(segment=(start, end), label=str,
            score=float or None)``, seconds.

    Returns:
        list[Bar]: By start; one that begins where another ends may follow it
        in its lane.

    Raises:
        ValueError: If a segment ends before it starts, or is not finite.
    """
    bars: List[Bar] = []
    ends: List[float] = []
    for row in sorted(segments, key=lambda row: tuple(row['segment'])):
        start, end = (float(x) for x in row['segment'])
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise ValueError(f'segment {(start, end)} of {row["label"]!r} is '
                             'not a start and a later end in seconds')
        lane = next((i for i, last in enumerate(ends) if last <= start),
                    len(ends))
        ends[lane:lane + 1] = [end]
        score = row.get('score')
        bars.append(
            Bar(start, end, str(row['label']),
                None if score is None else float(score), lane))
    return bars


def _bar_text(bar: Bar, width: float) -> str:
    """Name and score, or what fits: most of the name, or the score alone."""
    score = '' if bar.score is None else f' {bar.score:.2f}'
    name = shorten_text(bar.label, width - text_width(score))
    if len(name) > 5 or name == bar.label:
        return name + score
    return score.strip() if text_width(score.strip()) <= width else ''


class _SegmentRow:
    """Bars in lanes; measured before it is drawn."""

    def __init__(self, bars: Sequence[Bar], colors: Dict[str, Color]) -> None:
        self.bars, self.colors = bars, colors
        lanes = max([1] + [bar.lane + 1 for bar in bars])
        self.lane = min(_LANE[1], max(_LANE[0], _LANES_HEIGHT // lanes))
        self.height = max(lanes * self.lane, TEXT_SIZE)

    def draw(self, draw: ImageDraw.ImageDraw, axis: TimeAxis,
             top: int) -> None:
        written = self.lane >= _TEXT_LANE
        for bar in self.bars:
            x1, x2 = round(axis.x(bar.start)), round(axis.x(bar.end)) - 2
            x2, y1 = max(x1 + 1, x2), top + bar.lane * self.lane
            y2 = y1 + self.lane - (2 if written else 1)
            color, strength = self.colors[bar.label], 1.
            if bar.score is not None:
                strength = .15 + .85 * min(max(bar.score, 0.), 1.)
            pale = tuple(round(255 + strength * (c - 255)) for c in color)
            draw.rectangle((x1, y1, x2, y2), pale, color)
            text = _bar_text(bar, x2 - x1 - 6) if written else ''
            if text:
                draw.text((x1 + 4, (y1 + y2) / 2), text, BLACK, text_font(),
                          'lm')


class _CurveRow:
    """A line over time, from its least to its largest value."""
    height = _CURVE_HEIGHT

    def __init__(self, curve: Curve) -> None:
        self.times, self.values = (np.asarray(x, float) for x in curve)

    def draw(self, draw: ImageDraw.ImageDraw, axis: TimeAxis,
             top: int) -> None:
        low, high = self.values.min(), self.values.max()
        share = (self.values - low) / max(high - low, 1e-12)
        points = [(axis.x(time), top + (self.height - 1) * (1 - y))
                  for time, y in zip(self.times, share)]
        if len(points) == 1:
            points.append((axis.right, points[0][1]))
        draw.line(points, (50, 90, 170), 1, 'curve')
        for value, y, anchor in ((high, top, 'rt'), (low, top + self.height,
                                                     'rb')):
            draw.text((axis.right - 3, y), f'{value:.4g}', GREY, text_font(),
                      anchor)


class _Legend:
    """Labels with their colours in columns; measured before it is drawn."""

    def __init__(self, colors: Dict[str, Color], width: int) -> None:
        self.entries = list(colors.items())
        names = [text_width(name) for name in colors]
        self.column = min(width, max(names, default=0) + TEXT_SIZE + 22)
        self.columns = max(1, width // self.column)
        self.line = TEXT_SIZE + 7
        self.height = self.line * -(-len(self.entries) // self.columns)

    def draw(self, draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
        for i, (name, color) in enumerate(self.entries):
            row, column = divmod(i, self.columns)
            x, y = left + column * self.column, top + row * self.line
            draw.rectangle((x, y, x + TEXT_SIZE, y + TEXT_SIZE), color)
            text = shorten_text(name, self.column - TEXT_SIZE - 8)
            draw.text((x + TEXT_SIZE + 6, y - 1), text, BLACK, text_font())


def _label_colors(stacks: Dict[str, List[Bar]],
                  classes: Optional[Sequence[str]]) -> Dict[str, Color]:
    """RGB by label, of those that occur."""
    used = dict.fromkeys(bar.label for bars in stacks.values() for bar in bars)
    order = dict.fromkeys([*(classes or ()), *used])
    return {
        name: distinct_color(i)[::-1]
        for i, name in enumerate(order) if name in used
    }


def draw_timeline(rows: Dict[str, Sequence[dict]],
                  duration: float,
                  path: Optional[str] = None,
                  width: int = 1200,
                  classes: Optional[Sequence[str]] = None,
                  title: str = '',
                  curves: Optional[Dict[str, Curve]] = None) -> np.ndarray:
    """Draw segments over time.

    Each row of the picture stacks the segments that overlap. A label has one
    colour, explained below the axis; the fainter a bar, the lower its score.
    What lies outside the video is drawn on grey.

    Args:
        rows (dict): For each row of the picture, such as 'ground truth' and
            'prediction', a list of ``dict(segment=(start, end), label=str,
            score=float or None)``, seconds; without ``score`` there is none.
        duration (float): Of the video, in seconds.
        path (str, optional): PNG file to write; its folder is made if
            needed. Defaults to None.
        width (int): Of the picture, in pixels; at least 400. Defaults to
            1200.
        classes (list[str], optional): All labels in an order that does not
            change, so that a label has the same colour in the pictures of
            other videos. Defaults to None: in the order of appearance.
        title (str): Written above. Defaults to '', which means no title.
        curves (dict, optional): Rows above the others: for each the times
            (N, ) in seconds and the values (N, ) of a line. Defaults to
            None.

    Returns:
        np.ndarray: (H, width, 3) uint8 RGB.

    Raises:
        ValueError: If ``duration`` is not positive, or a segment ends before
            it starts.
    """
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f'duration={duration} is not a number of seconds '
                         'above 0')
    width = max(width, 400)
    stacks = {name: stack_segments(rows[name]) for name in rows}
    bars = [bar for stack in stacks.values() for bar in stack]
    colors = _label_colors(stacks, classes)
    drawn = [(name, _CurveRow(x)) for name, x in (curves or {}).items()]
    drawn += [(name, _SegmentRow(x, colors)) for name, x in stacks.items()]
    legend = _Legend(colors, width - 2 * _MARGIN)

    names = [shorten_text(name, width // 4) for name, _ in drawn]
    left = 2 * _MARGIN + max([40] + [text_width(name) for name in names])
    axis = TimeAxis(
        min([0.] + [bar.start for bar in bars]),
        max([duration] + [bar.end for bar in bars]), left, width - 3 * _MARGIN)
    top = _MARGIN + (TEXT_SIZE + 10 if title else 0)
    bottom = top + sum(row.height + _ROW_GAP for _, row in drawn)
    below = bottom + TEXT_SIZE + 24
    image = Image.new('RGB', (width, below + legend.height + _MARGIN // 2),
                      (255, ) * 3)
    draw = ImageDraw.Draw(image)
    title = shorten_text(title, width - 2 * _MARGIN)
    draw.text((_MARGIN, _MARGIN - 2), title, BLACK, text_font())
    draw.rectangle((axis.left, top, axis.right, bottom), _OUTSIDE)
    draw.rectangle((round(axis.x(0)), top, round(axis.x(duration)), bottom),
                   _INSIDE)
    axis.draw(draw, top, bottom)
    for name, (_, row) in zip(names, drawn):
        draw.text((axis.left - 14, top + (row.height + _ROW_GAP) / 2), name,
                  BLACK, text_font(), 'rm')
        row.draw(draw, axis, top + _ROW_GAP // 2)
        top += row.height + _ROW_GAP
        draw.line((axis.left, top, axis.right, top), GREY)
    legend.draw(draw, _MARGIN, below)
    if path is not None:
        os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
        image.save(path)
    return np.array(image)
