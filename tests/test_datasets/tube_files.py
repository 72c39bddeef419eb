# Copyright (c) mmevad authors. All rights reserved.
"""Small tube files in every form, and their frames and clips.

The brightness of a frame tells its number, which is counted from 1.
"""
import json
import lzma
import os
import os.path as osp
import pickle

import cv2
import numpy as np


def content(dtype=np.float32):
    """Two classes, three videos; 'run/b' has two people who overlap."""

    def tube(first, last, *box):
        return np.array([[i, *box] for i in range(first, last + 1)], dtype)

    return dict(
        labels=['jump', 'run'],
        gttubes={
            'jump/a': {
                0: [tube(2, 5, 10, 20, 30, 40)]
            },
            'run/b': {
                1: [tube(1, 3, 0, 0, 80, 60),
                    tube(3, 6, 40, 30, 90, 60)]
            },
            'run/c': {
                1: [tube(1, 1, 8, 6, 16, 12)]
            },
        },
        nframes={
            'jump/a': 8,
            'run/b': 6,
            'run/c': 5
        },
        train_videos=[['jump/a', 'run/b']],
        test_videos=[['run/c']],
        resolution={
            'jump/a': (60, 80),
            'run/b': (60, 80),
            'run/c': (60, 80)
        })


def to_json(data):
    return json.dumps(data, default=lambda array: array.tolist()).encode()


def save(path, data):
    """Write tubes in the form that the file's name tells."""
    raw = to_json(data) if '.json' in path.name else pickle.dumps(data, 2)
    path.write_bytes(lzma.compress(raw) if path.suffix == '.xz' else raw)
    return str(path)


def picture(number, height=120, width=160):
    return np.full((height, width, 3), 20 * number, np.uint8)


def make_clip(path, num_frames, width=160):
    os.makedirs(osp.dirname(path), exist_ok=True)
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10,
                             (width, 120))
    for i in range(1, num_frames + 1):
        writer.write(picture(i, width=width))
    writer.release()


def make_frames(folder, num_frames, filename_tmpl='img_{:05}.jpg', **kwargs):
    os.makedirs(folder)
    for i in range(1, num_frames + 1):
        path = osp.join(folder, filename_tmpl.format(i))
        assert cv2.imwrite(path, picture(i, **kwargs))


def numbers(images):
    """Numbers of the frames."""
    return [round(image.mean() / 20) for image in images]
