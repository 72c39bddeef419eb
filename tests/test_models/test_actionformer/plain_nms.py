"""The plain sequential NMS that the benchmark compares with, and cases."""
import numpy as np

from tests.reference import soft_nms as plain  # noqa: F401


def random_case(seed):
    """Segments, scores, labels and settings of all kinds, with ties."""
    rng = np.random.default_rng(seed)
    size = int(rng.choice([0, 1, 2, 3, 10, 60, 200, 700]))
    classes = int(rng.integers(1, 4 if rng.random() < .3 else 111))
    extent = rng.choice([5., 50., 500., 3000.])
    centre = rng.uniform(-5, extent, size)
    length = rng.choice([0., 1., 5., 50., extent], size) * rng.random(size)
    segments = np.stack((centre - length / 2, centre + length / 2), 1)
    scores = rng.random(size)**rng.choice([.2, 1., 4., 10.])
    if rng.random() < .3:
        segments = np.round(segments)
    if rng.random() < .4:
        scores = np.round(scores, int(rng.integers(1, 4)))
    if rng.random() < .3 and size > 3:
        copies, originals = rng.integers(0, size, (2, size // 3))
        segments[copies], scores[copies] = (segments[originals],
                                            scores[originals])
    labels = rng.integers(0, classes, size)
    if rng.random() < .5:  # a few large classes
        labels = np.minimum(rng.geometric(.3, size) - 1, classes - 1)
    settings = dict(
        sigma=float(rng.choice([1e-4, .01, .4, .5, .9, 50.])),
        iou_threshold=float(rng.choice([0., .1, .5, 1.])),
        min_score=float(rng.choice([0., .001, .05, .5, 1.5])),
        max_seg_num=(None, 1, 7, 100, 200, 2000)[rng.integers(6)])
    return (segments.astype(np.float32), scores.astype(np.float32),
            labels.astype(np.int64)), settings


def distinct_case(size, classes, seed=0):
    """Segments on a grid of 500 with scores that all differ."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 500, size)
    segments = np.stack((start, start + rng.uniform(1, 40, size)), 1)
    scores = (rng.permutation(size) + 1) / size
    return (segments.astype(np.float32), scores.astype(np.float32),
            rng.integers(0, classes, size))
