# Copyright (c) mmevad authors. All rights reserved.
"""Annotations in AVA's form and the frames of their videos."""
import os

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmevad.datasets import CheckedAVADataset
from mmevad.utils import DataError

ROW = 'a,3,0.1,0.2,0.5,0.6,1,0'
NUM_FRAMES = 20


def write(path, *lines):
    path.write_text(''.join(f'{line}\n' for line in lines))
    return str(path)


def label_map(path, *ids):
    return write(
        path, *(f'item {{\n  name: "class {i}"\n  id: {i}\n}}' for i in ids))


def make_frames(folder, first=1, last=NUM_FRAMES, tmpl='img_{:05}.jpg'):
    """Grey frames whose brightness tells their number."""
    os.makedirs(folder)
    for i in range(first, last + 1):
        image = np.full((8, 16, 3), 10 * i, dtype=np.uint8)
        cv2.imwrite(os.path.join(folder, tmpl.format(i)), image)


def builder(tmp_path):
    """What builds a dataset of two classes on the frames of video 'a'."""
    init_default_scope('mmaction')
    make_frames(str(tmp_path / 'frames' / 'a'))

    def build(*rows, pipeline=(), ids=(1, 2), cls=CheckedAVADataset, **kwargs):
        arguments = dict(
            ann_file=write(tmp_path / 'ann.csv', *rows),
            pipeline=list(pipeline),
            label_file=label_map(tmp_path / 'map.pbtxt', *ids),
            data_prefix=dict(img=str(tmp_path / 'frames')),
            num_classes=3,
            fps=1,
            timestamp_start=0,
            start_index=0)
        arguments.update(kwargs)
        return cls(**arguments)

    return build


def refused(build, *rows, **kwargs):
    with pytest.raises(DataError) as caught:
        build(*rows, **kwargs)
    return str(caught.value)
