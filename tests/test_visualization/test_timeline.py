# Copyright (c) mmevad authors. All rights reserved.
import cv2
import numpy as np
import pytest

from mmevad.visualization import distinct_color, draw_timeline
from mmevad.visualization.time_axis import format_time, time_ticks
from mmevad.visualization.timeline import stack_segments


def row(start, end, label='run', score=None):
    return dict(segment=(start, end), label=label, score=score)


def has(image, color):
    return (image == color).all(-1)


def test_segments_that_overlap_are_stacked_in_the_fewest_lanes():
    bars = stack_segments([row(4, 9), row(0, 5), row(5, 6), row(5.5, 7)])
    assert [(b.start, b.lane) for b in bars] == [(0, 0), (4, 1), (5, 0),
                                                 (5.5, 2)]


@pytest.mark.parametrize('segment', [(2, 1), (0, np.nan), (0, np.inf)])
def test_a_segment_has_an_end_after_its_start(segment):
    with pytest.raises(ValueError, match="of 'run' is not a start"):
        stack_segments([row(*segment)])


@pytest.mark.parametrize('end, most, step, count', [
    (.5, 11, .05, 11),
    (12, 10, 2, 7),
    (100, 10, 15, 7),
    (3600, 9, 600, 7),
    (5e5, 9, 86400, 6),
    (2e6, 9, 250000, 9),
])
def test_ticks_are_round_and_not_too_many(end, most, step, count):
    ticks = time_ticks(0, end, most)
    assert ticks[0] == 0 and len(ticks) == count
    assert np.diff(ticks) == pytest.approx(step)


@pytest.mark.parametrize('seconds, longest, text', [
    (0, 12, '0'),
    (12.5, 30, '12.5'),
    (65, 90, '1:05'),
    (59.6, 90, '1:00'),
    (3661, 7200, '1:01:01'),
    (-5, 90, '-0:05'),
])
def test_times_are_written_as_clocks_do(seconds, longest, text):
    assert format_time(seconds, longest) == text


def test_a_bar_spans_its_time_in_the_color_of_its_label(tmp_path):
    path = tmp_path / 'new' / 'timeline.png'
    rows = dict(truth=[row(2, 4, 'walk')], found=[row(6, 8, 'run', 1.)])
    image = draw_timeline(rows, 10, str(path), 1000, classes=['run', 'walk'])
    assert image.shape[1] == 1000 and image.dtype == np.uint8
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1],
                                  image)  # RGB on disk, too
    # the axis, grey, is as long as the video
    axis = np.flatnonzero(has(image, (110, ) * 3).sum(1) > 500)[-1]
    left, right = np.flatnonzero(has(image[axis], (110, ) * 3))[[0, -1]]
    for label, (start, end) in enumerate([(6, 8), (2, 4)]):
        color = distinct_color(label)[::-1]
        at = np.flatnonzero(has(image[:axis], color).any(0))[[0, -1]]
        seconds = (at - left) / (right - left) * 10
        assert seconds == pytest.approx([start, end], abs=.03)


def test_a_low_score_is_faint():
    images = [
        draw_timeline(dict(a=[row(0, 10, score=s)]), 10) for s in (.9, .1)
    ]
    # the legend and the outline keep the full colour
    strong, faint = (image.astype(int) for image in images)
    changed = np.abs(strong - faint).sum(-1) > 100
    assert changed.sum() > 10000
    assert faint[changed].mean() > strong[changed].mean() + 50


def test_what_is_after_the_end_lies_on_grey():
    image = draw_timeline(dict(a=[row(0, 20)]), 10)
    grey = has(image, (226, ) * 3)[:35]
    assert grey[:, 700:1100].any(0).mean() > .95  # but for the ticks
    assert not grey[:, 200:500].any()
    inside = draw_timeline(dict(a=[row(0, 10)]), 10)
    assert not has(inside, (226, ) * 3)[:35, 200:].any()


def test_many_labels_and_segments_have_room():
    rows = [row(0, 10, f'class {i}', .5) for i in range(100)]
    image = draw_timeline(dict(a=rows, b=[]), 10, width=300)
    assert image.shape[1] == 400 and image.shape[0] > 100 * 4
    assert (image[-3:] == 255).all() and (image[:, -3:] == 255).all()


@pytest.mark.parametrize('duration', [0, -1, float('nan'), float('inf')])
def test_a_video_has_a_duration(duration):
    with pytest.raises(ValueError, match='duration='):
        draw_timeline(dict(a=[]), duration)
