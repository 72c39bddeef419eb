# Copyright (c) mmevad authors. All rights reserved.
"""A time axis in pixels, and the text of pictures that have one."""
import math
import os.path as osp
from functools import lru_cache
from typing import List, NamedTuple

import matplotlib
from PIL import ImageDraw, ImageFont

TEXT_SIZE = 13  # in pixels
BLACK, GREY, LIGHT = (25, ) * 3, (110, ) * 3, (205, ) * 3

_STEPS = (.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
          900, 1800, 3600, 7200, 14400, 43200, 86400)


@lru_cache(maxsize=None)
def text_font() -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings."""
    path = osp.join(matplotlib.get_data_path(), 'fonts/ttf/DejaVuSans.ttf')
    return ImageFont.truetype(path, TEXT_SIZE)


def text_width(text: str) -> int:
    """Pixels of one line."""
    return math.ceil(text_font().getlength(text))


def shorten_text(text: str, width: float) -> str:
    """The text, or its beginning and two dots, in ``width`` pixels."""
    if text_width(text) <= width:
        return text
    while text and text_width(f'{text}..') > width:
        text = text[:-1]
    return f'{text}..' if text else ''


def time_ticks(start: float, end: float, most: int) -> List[float]:
    """Round times between two others, at most ``most`` and at least two."""
    step = next((s for s in _STEPS if (end - start) / s < most), None)
    if step is None:  # days
        step = (end - start) / max(1, most - 1)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    ticks = [i * step for i in range(first, last + 1)]
    return ticks if len(ticks) > 1 else [start, end]


def format_time(seconds: float, longest: float) -> str:
    """``12.5`` or, from a minute on, ``1:05`` or ``1:01:05``."""
    if longest < 60:
        return f'{seconds:.2f}'.rstrip('0').rstrip('.') or '0'
    sign, rest = '-' * (seconds < 0), round(abs(seconds))
    minutes, rest = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    if longest < 3600:
        return f'{sign}{minutes}:{rest:02d}'
    return f'{sign}{hours}:{minutes:02d}:{rest:02d}'


class TimeAxis(NamedTuple):
    """Seconds -> pixels.

    Attributes:
        start, end (float): Seconds.
        left, right (int): Their columns of the picture.
    """
    start: float
    end: float
    left: int
    right: int

    def x(self, seconds: float) -> float:
        """Column of a time."""
        share = (seconds - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)

    def draw(self, draw: ImageDraw.ImageDraw, top: int, bottom: int) -> None:
        """Lines from ``top`` to ``bottom`` at round times, named below."""
        longest = max(abs(self.start), abs(self.end))
        # the widest time, and as much again between two
        widest = 2 * text_width(format_time(longest, longest)) + 20
        most = max(2, (self.right - self.left) // widest)
        for tick in time_ticks(self.start, self.end, most):
            x = round(self.x(tick))
            draw.line((x, top, x, bottom + 4), LIGHT)
            draw.text((x, bottom + 6), format_time(tick, longest), BLACK,
                      text_font(), 'ma')
        draw.line((self.left, bottom, self.right, bottom), GREY)
        if longest < 60:  # later times are written in a way of their own
            draw.text((self.left - 14, bottom + 6), 's', GREY, text_font(),
                      'ra')
