# Copyright (c) mmevad authors. All rights reserved.
import cv2
import numpy as np

from mmevad.visualization.charts import (class_bars, error_charts, save_figure,
                                         share_curves)


def drawn(figure, tmp_path):
    """Height, width and whether the picture's border is empty."""
    path = tmp_path / 'new' / 'chart.png'
    save_figure(figure, str(path))
    image = cv2.imread(str(path))
    border = np.concatenate([
        image[:2].ravel(), image[-2:].ravel(), image[:, :2].ravel(),
        image[:, -2:].ravel()
    ])
    return image.shape[0], image.shape[1], (border == 255).all()


def test_a_bar_for_each_class_and_run(tmp_path):
    runs = dict(
        first=dict(walk=40., run=60., sit=5.), second=dict(walk=50., run=30.))
    figure = class_bars(runs, 'per class, 100 $ each')
    axes = figure.axes[0]
    # the best of the first run on top
    assert [x.get_text()
            for x in axes.get_yticklabels()] == ['sit', 'walk', 'run']
    first, second = axes.containers
    assert [x.get_width() for x in first] == [5, 40, 60]
    widths = [x.get_width() for x in second]
    assert np.isnan(widths[0]) and widths[1:] == [50, 30]
    assert first[2].get_y() > second[2].get_y()  # the first above
    labels = [x.get_text() for x in figure.legends[0].get_texts()]
    assert labels == ['first, mean 35.00', 'second, mean 40.00']
    assert drawn(figure, tmp_path)[2]


def test_many_classes_with_long_names_have_room(tmp_path):
    run = {
        f'class {i} (such as a thing, or another thing)': i
        for i in range(60)
    }
    height, width, empty = drawn(class_bars(dict(a=run, b=run)), tmp_path)
    assert empty and width == 900 and height > 60 * 30


def test_curves_with_and_without_chance(tmp_path):
    figure = share_curves([.5, 1.], dict(a=[10., 20.], b=[np.nan, 40.]),
                          'title', dict(a=[1., 2.]))
    lines = {x.get_label(): x.get_ydata() for x in figure.axes[0].lines}
    assert list(lines) == ['a', 'a, by chance', 'b']
    assert lines['a, by chance'].tolist() == [1, 2]
    assert drawn(figure, tmp_path)[2]


def test_kinds_add_up_and_gains_have_their_names(tmp_path):
    profile = np.array([[.5, .3, .2], [0, 0, 0]])
    kinds = ['true positive', 'background', 'confusion']
    figure = error_charts(profile, kinds, dict(background=2.5, confusion=-.1),
                          'title')
    left, right = figure.axes
    tops = [x[0].get_y() + x[0].get_height() for x in left.containers]
    np.testing.assert_allclose(tops, [50, 80, 100])
    texts = [x.get_text() for x in right.texts]
    assert texts == ['-0.10', '+2.50']
    assert drawn(figure, tmp_path)[2]
