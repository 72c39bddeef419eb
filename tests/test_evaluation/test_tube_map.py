# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.evaluation.tube_map import fill_gaps, tube_iou, video_map
from . import tube_reference as reference
from .tube_samples import as_plain, as_table, random_tubes

THRESHOLDS = (.2, .5, .75)
BOX = np.array([0., 0, 10, 10])


def copies(rng, gts, num_classes=4):
    """Shifted, thinned, cut, repeated and mislabelled tubes."""
    tubes = []
    for video, label, _, tube in gts:
        for _ in range(rng.integers(0, 4)):
            frames = sorted(tube)
            first = int(rng.integers(0, 1 + len(frames) // 3))
            shift = rng.normal(0, 3, 4)
            kept = [f for f in frames[first:] if rng.random() < .9]
            kept = kept or frames[-1:]
            if rng.random() < .3:
                label = int(rng.integers(0, num_classes))
            tubes.append((video, label, rng.integers(0, 8) / 8, {
                f: tube[f] + shift
                for f in kept
            }))
    return tubes


def interpolated(tubes):
    return [(*rest, reference.fill([(f, 0, b) for f, b in tube.items()]))
            for *rest, tube in tubes]


@pytest.mark.parametrize('mode', ['area', '11points'])
@pytest.mark.parametrize('seed', range(4))
def test_equals_one_by_one(seed, mode):
    rng = np.random.default_rng(seed)
    gts = random_tubes(rng, 8)
    tubes = copies(rng, gts)
    got = video_map(as_table(gts), as_table(tubes), 4, THRESHOLDS, mode)
    labels = sorted({label for _, label, *_ in gts})
    filled = interpolated(tubes)
    expected = [[
        reference.video_ap(gts, filled, label, threshold, mode)
        for label in labels
    ] for threshold in THRESHOLDS]
    np.testing.assert_allclose(got.ap[:, labels], expected, atol=1e-12)
    assert np.isnan(got.ap[:, 3]).all()
    np.testing.assert_allclose(got.mean_ap, np.mean(expected, 1), atol=1e-12)


def test_ground_truth_is_perfect():
    gts = [
        tube for tube in random_tubes(np.random.default_rng(0), 10)
        if len(tube[3]) == max(tube[3]) + 1 - min(tube[3])
    ]
    scores = video_map(as_table(gts), as_table(gts), 4, (.2, .95, 1.))
    assert scores.mean_ap.tolist() == [1., 1., 1.]
    nothing = as_table([])
    assert video_map(as_table(gts), nothing, 4).mean_ap.tolist() == [0.] * 3


def test_tube_iou_is_temporal_times_spatial():
    half = BOX * [1, 1, .5, 1]
    first = as_table([(0, 0, 1., {f: BOX for f in range(1, 11)})])
    second = as_table([
        (0, 0, 1., {
            f: half
            for f in range(6, 16)
        }),
        (0, 0, 1., {
            f: BOX
            for f in range(11, 16)
        }),
        (0, 0, 1., {
            f: BOX
            for f in (1, 2, 9, 10)
        }),
        (0, 0, 1., {
            5: BOX
        }),
    ])
    iou = tube_iou(first, np.zeros(4, int), second, np.arange(4))
    np.testing.assert_allclose(iou, [5 / 15 * .5, 0, .4, .1])
    # one frame against itself: the extent, last less first, would be 0
    assert tube_iou(second, np.array([3]), second, np.array([3])) == 1


def test_gaps_of_detections_are_interpolated():
    tube = {2: BOX, 3: BOX + 3, 6: BOX + 6}
    filled, = as_plain(fill_gaps(as_table([(0, 0, 1., tube)])))
    assert list(filled[3]) == [2, 3, 4, 5, 6]
    for frame, shift in {2: 0, 3: 3, 4: 4, 5: 5, 6: 6}.items():
        np.testing.assert_allclose(filled[3][frame], BOX + shift)
    # but annotation is as it is
    gts = as_table([(0, 0, 1., {2: BOX, 4: BOX})])
    assert video_map(gts, gts, 1, (.6, .7)).mean_ap.tolist() == [1., 0.]


def test_mislabelled_and_missing_tubes():
    """Two of class 0: one found, one called class 1, which has one more."""
    gts = as_table([(0, 0, 1., {
        1: BOX
    }), (1, 0, 1., {
        1: BOX
    }), (2, 1, 1., {
        1: BOX
    })])
    dets = as_table([(0, 0, .9, {
        1: BOX
    }), (1, 1, .8, {
        1: BOX
    }), (2, 1, .7, {
        1: BOX
    })])
    scores = video_map(gts, dets, 3)
    np.testing.assert_allclose(scores.ap[:, :2], [[.5, .5]] * 3)
    np.testing.assert_allclose(scores.mean_ap, .5)
    assert scores.num_dets.tolist() == [1, 2, 0]
