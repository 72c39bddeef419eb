# Copyright (c) mmevad authors. All rights reserved.
"""A small model with random weights, and a video to run it on."""
import os.path as osp

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

ROOT = osp.dirname(osp.dirname(osp.dirname(__file__)))
CONFIG = osp.join(
    ROOT, 'configs/evad/'
    'evad_vit-tiny-p16_1xb8-8x2x1_ucf101-24-8clips-rgb.py')
NAMES = ('Basketball', 'Biking', 'CliffDiving', 'Fencing', 'HorseRiding',
         'IceDancing', 'SalsaSpin')
LENGTH, WIDTH, HEIGHT, FPS = 30, 128, 96, 12.5


def label_map(names=NAMES):
    return ''.join(f'item {{\n  name: "{name}"\n  id: {i}\n}}\n'
                   for i, name in enumerate(names, 1))


def frames():
    """(30, 96, 128, 3) BGR: a moving square, its frame's number as grey."""
    images = np.zeros((LENGTH, HEIGHT, WIDTH, 3), np.uint8)
    for i, image in enumerate(images):
        image[:] = 8 * i
        image[30:70, 2 * i:2 * i + 30] = (30, 200, 255 - 8 * i)
    return images


def write_video(path, images):
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), FPS, (WIDTH, HEIGHT))
    for image in images:
        writer.write(image)
    writer.release()


def write_folder(path, images, first=1):
    """img_1.png, img_2.png, ...: without padding."""
    path.mkdir()
    for i, image in enumerate(images, first):
        cv2.imwrite(str(path / f'img_{i}.png'), image)


def write_checkpoint(path, **meta):
    cfg = Config.fromfile(CONFIG)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
