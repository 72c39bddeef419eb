# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.visualization import (Actor, distinct_color, draw_actors,
                                  place_labels)


def overlaps(labels):
    """Whether any two of (n, 4) xyxy rectangles share a pixel."""
    first, last = labels[:, None], labels[None]
    sides = (np.minimum(first[..., 2:], last[..., 2:]) -
             np.maximum(first[..., :2], last[..., :2])).clip(0)
    shared = sides.prod(-1)
    np.fill_diagonal(shared, 0)
    return shared.any()


def place(boxes, sizes, image_size=(480, 360)):
    spots = place_labels(np.array(boxes), np.array(sizes), image_size)
    return np.concatenate((spots, spots + np.array(sizes)), 1)


def test_a_label_goes_above_its_box():
    labels = place([[100, 100, 200, 300]], [[80, 30]])
    assert labels.tolist() == [[100, 70, 180, 100]]


@pytest.mark.parametrize('box', [[100, 0, 200, 300], [100, 100, 200, 360],
                                 [0, 50, 90, 360], [400, 5, 480, 355]])
def test_a_label_keeps_out_of_its_box_if_it_can(box):
    label = place([box], [[80, 30]])
    assert not overlaps(np.concatenate((label, [box])))


def test_labels_stay_inside_and_apart():
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = rng.uniform(0, (480, 360), (6, 2))
        boxes = np.hstack((corners, corners + rng.uniform(20, 200, (6, 2))))
        boxes = boxes.clip(0, (480, 360) * 2)
        sizes = rng.integers((40, 20), (140, 70), (6, 2))
        labels = place(boxes, sizes)
        assert labels.min() >= 0
        assert (labels[:, 2:] <= (480, 360)).all()
        assert not overlaps(labels)


def test_labels_of_equal_boxes_stay_apart():
    labels = place([[200, 100, 260, 300]] * 8, [[100, 50]] * 8)
    assert not overlaps(labels)


def test_no_boxes_and_empty_labels():
    assert place_labels([], [], (480, 360)).shape == (0, 2)
    spots = place_labels([[1, 2, 3, 4]] * 2, [[0, 0], [10, 5]], (480, 360))
    assert spots.shape == (2, 2)


def test_boxes_are_drawn_where_they_are_in_the_enlarged_frame():
    image = np.zeros((90, 120, 3), np.uint8)
    drawn = draw_actors(image, [Actor((30, 45, 60, 75), None, (), 3)])
    assert drawn.shape == (360, 480, 3)
    assert not image.any()
    for y, x in ((180, 150), (300, 150), (240, 120), (240, 240)):
        assert tuple(drawn[y, x]) == distinct_color(3)
    assert not drawn[240, 180].any()
    assert not drawn[:170].any()  # no label without text


def test_colors_text_and_plates():
    image = np.full((360, 480, 3), 128, np.uint8)
    actors = [
        Actor((40, 120, 140, 340), .9, [('walk', .8), ('talk', .4)], 0),
        Actor((300, 120, 400, 340), .7, [('sit', .8)], 1),
    ]
    drawn = draw_actors(image, actors)
    left, right = drawn[:, :240], drawn[:, 240:]
    for half, own, other in ((left, 0, 1), (right, 1, 0)):
        assert (half == distinct_color(own)).all(-1).any()
        assert not (half == distinct_color(other)).all(-1).any()
    # three lines on the left, two on the right, each above its box
    rows = [
        np.flatnonzero((h[:119] != 128).any((1, 2))) for h in (left, right)
    ]
    assert len(rows[0]) == 3 * 17 + 4 - 1 and len(rows[1]) == 2 * 17 + 4 - 1


def test_ground_truth_is_thin_white_and_dashed():
    image = np.zeros((360, 480, 3), np.uint8)
    drawn = draw_actors(image, [], truth=np.array([[100, 100, 300, 200.]]))
    white = (drawn == 255).all(-1)
    assert white[100, 100:106].all() and not white[100, 107:112].any()
    assert .4 < white[100, 100:300].mean() < .7
    assert not white[101:200, 102:299].any()


@pytest.mark.parametrize('size', [(40, 400), (400, 40), (24, 32)])
def test_long_names_fit_odd_frames(size):
    name = 'talk to (e.g., self, a person, a group)' * 2
    actors = [
        Actor((-50, -50, 900, 900), .5, [(name, .5)] * 40, i) for i in range(3)
    ]
    drawn = draw_actors(np.zeros((*size, 3), np.uint8), actors)
    assert min(drawn.shape[:2]) == 360
    small = draw_actors(np.zeros((*size, 3), np.uint8), actors, short_side=1)
    assert small.shape == (*size, 3)
