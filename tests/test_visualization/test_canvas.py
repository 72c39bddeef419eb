# Copyright (c) mmevad authors. All rights reserved.
import cv2
import numpy as np
import pytest

from mmevad.visualization import distinct_color, draw_text, enlarge, tile_grid
from mmevad.visualization.canvas import FONT, shorten


def test_neighbouring_colors_differ_and_are_stable():
    colors = [distinct_color(i) for i in range(24)]
    assert colors == [distinct_color(i) for i in range(24)]
    assert len(set(colors)) == 24
    assert all(max(c) == 255 for c in colors)
    steps = np.abs(np.diff(np.array(colors), axis=0)).sum(1)
    assert steps.min() > 100


@pytest.mark.parametrize('size, expected, scale', [
    ((96, 128), (360, 480), 3.75),
    ((256, 340), (360, 478), 360 / 256),
    ((340, 256), (478, 360), 360 / 256),
    ((720, 1280), (720, 1280), 1.),
])
def test_small_pictures_grow_to_the_short_side(size, expected, scale):
    image = np.zeros((*size, 3), np.uint8)
    grown, factor = enlarge(image)
    assert grown.shape == (*expected, 3)
    assert factor == scale
    assert grown is not image


def test_text_stays_inside():
    image = np.zeros((40, 200, 3), np.uint8)
    draw_text(image, 'walk', (500, -20), (255, 255, 255))
    assert image[:20, 100:].any()
    assert not image[:, :100].any()


def test_long_lines_are_shortened():
    text = 'talk to (e.g., self, a person, a group)'
    assert shorten(text, 1000, .45) == text
    short = shorten(text, 100, .45)
    assert text.startswith(short[:-2]) and short.endswith('..')
    assert cv2.getTextSize(short, FONT, .45, 1)[0][0] <= 100
    assert shorten(text, 3, .45) == ''


def test_grid_keeps_the_order_and_the_pixels():
    tiles = [np.full((50, 80, 3), 40 * i, np.uint8) for i in range(1, 6)]
    sheet = tile_grid(tiles, 3, 'title')
    assert sheet.shape == (30 + 2 * 54, 3 * 84, 3)
    for i, tile in enumerate(tiles):
        y, x = 30 + i // 3 * 54 + 2, i % 3 * 84 + 2
        np.testing.assert_array_equal(sheet[y:y + 50, x:x + 80], tile)
    assert (sheet[-54:, -84:] == 30).all()


def test_grid_takes_captions_and_pictures_of_different_sizes():
    tiles = [np.zeros((50, 80, 3), np.uint8), np.zeros((40, 90, 3), np.uint8)]
    sheet = tile_grid(tiles, 2, 'title', ['a', 'b' * 200])
    assert sheet.shape == (30 + 80 + 4, 2 * 94, 3)
    with pytest.raises(ValueError, match='1 captions for 2 pictures'):
        tile_grid(tiles, 2, 'title', ['a'])
    with pytest.raises(ValueError, match='at least one picture'):
        tile_grid([], 2, 'title')
