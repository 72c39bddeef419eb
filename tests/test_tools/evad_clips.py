# Copyright (c) mmevad authors. All rights reserved.
"""A small EVAD with random weights, its config, and two annotated frames."""
import cv2
import numpy as np

from tests.test_apis.small import CONFIG, NAMES, label_map, write_checkpoint

TEMPLATE = """
_base_ = [{base!r}]
dataset = dict(
    ann_file={root!r} + '/boxes.csv',
    label_file={root!r} + '/map.pbtxt',
    data_prefix=dict(img={root!r} + '/frames'))
train_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
"""
BOXES = [(.25, .25, .5, .75), (.6, .5, .9, 1.)]


def make_clips(root, checkpoint=True):
    """Paths of the config and the checkpoint."""
    folder = root / 'frames' / 'run' / 'v'
    folder.mkdir(parents=True)
    for i in range(1, 31):
        image = np.full((96, 128, 3), 4 * i, np.uint8)
        image[24:72, 32:64] = 255 - 4 * i  # the first box
        cv2.imwrite(str(folder / f'img_{i:05d}.jpg'), image)
    rows = [('run/v', 8, *BOXES[0], 1, 0), ('run/v', 20, *BOXES[0], 2, 0),
            ('run/v', 20, *BOXES[1], 3, 1)]
    (root / 'boxes.csv').write_text(''.join(','.join(map(str, row)) + '\n'
                                            for row in rows))
    (root / 'map.pbtxt').write_text(label_map(NAMES))
    config = root / 'config.py'
    config.write_text(TEMPLATE.format(base=CONFIG, root=str(root)))
    if checkpoint:
        write_checkpoint(root / 'a.pth')
    return [str(config), str(root / 'a.pth')]
