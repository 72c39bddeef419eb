# Copyright (c) mmevad authors. All rights reserved.
"""Made-up tubes and detections, as arrays and as plain lists."""
import numpy as np

from mmevad.evaluation.tube_tables import FrameDetections, tube_table


def random_tubes(rng, num_videos=6, num_classes=4, most=3, longest=20):
    """Ground truth; some tubes twice, some with a gap, one class absent."""
    tubes = []
    for video in range(num_videos):
        for _ in range(rng.integers(1, most + 1)):
            label = int(rng.integers(0, num_classes - 1))
            frames = rng.integers(1, 20) + np.arange(rng.integers(1, longest))
            if len(frames) > 8 and rng.random() < .3:
                frames = np.delete(frames, [3, 4])
            corner = rng.uniform(0, 30, 2) + np.outer(frames, [.2, .1])
            size = rng.uniform(20, 40, 2)
            boxes = np.column_stack([corner, corner + size])
            tubes.append((video, label, 1., dict(zip(frames.tolist(), boxes))))
            if rng.random() < .2:
                tubes.append(tubes[-1])
    return tubes


def random_detections(rng, gts, num_classes=4, noise=3., levels=8):
    """Shifted, thinned, repeated and mislabelled boxes; equal scores."""
    dets = []
    for video, label, _, tube in gts:
        for frame, box in tube.items():
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                moved = box + rng.normal(0, noise, 4)
                moved = np.concatenate([
                    np.minimum(moved[:2], moved[2:]),
                    np.maximum(moved[:2], moved[2:])
                ])
                scores = rng.integers(0, levels, num_classes) / levels
                scores[label] += rng.random() < .7
                dets.append((video, frame, moved, {
                    c: float(s)
                    for c, s in enumerate(scores) if rng.random() < .8
                }))
    rng.shuffle(dets)
    return dets


def as_table(tubes):
    """Plain tubes as a table."""
    return tube_table(
        (video, label, score, np.array([[f, *box] for f, box in tube.items()]))
        for video, label, score, tube in tubes)


def as_detections(dets, num_classes=4):
    """Plain detections as a table."""
    scores = np.full((len(dets), num_classes), -np.inf)
    for row, (*_, found) in enumerate(dets):
        for label, score in found.items():
            scores[row, label] = score
    return FrameDetections(
        np.array([d[0] for d in dets], dtype=int),
        np.array([d[1] for d in dets], dtype=int),
        np.array([d[2] for d in dets]).reshape(-1, 4), scores)


def as_plain(table):
    """A table as plain tubes."""
    tubes = []
    for t, label in enumerate(table.labels):
        rows = table.rows[table.splits[t]:table.splits[t + 1]]
        tubes.append(
            (table.videos[t], label, table.scores[t],
             dict(zip(table.frames[rows].tolist(), table.boxes[rows]))))
    return tubes
