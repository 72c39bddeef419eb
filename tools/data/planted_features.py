# Copyright (c) mmevad authors. All rights reserved.
"""Made-up clip features for real annotations: planted signal plus noise.

To try a config at full scale without the real features. Every class has a
direction of its own; it is added to Gaussian noise where an action of that
class takes place. What a model learns from them says nothing about videos.
"""
import argparse
import os
import os.path as osp
import zlib

import numpy as np
from mmengine.utils import ProgressBar

from mmevad.structures import FeatureGrid
from mmevad.utils.segment_database import read_database


def planted(length: int, segments: np.ndarray, labels: np.ndarray,
            directions: np.ndarray, strength: float,
            rng: np.random.Generator) -> np.ndarray:
    """Features (T, C) float16 of one video.

    Args:
        length (int): T.
        segments (np.ndarray): (N, 2) on the feature grid.
        labels (np.ndarray): (N, ) rows of ``directions``.
        directions (np.ndarray): (classes, C).
        strength (float): Factor on the directions; the noise has 1.
        rng (np.random.Generator): Source of the noise.
    """
    feats = rng.standard_normal((length, directions.shape[1]), np.float32)
    time = np.arange(length)
    for (start, end), label in zip(segments, labels):
        inside = (start <= time) & (time <= end)
        feats[inside] += strength * directions[label]
    return feats.astype(np.float16)


def main(args=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('ann_file', help="annotations, ActivityNet's JSON")
    parser.add_argument('out', help='folder for <video>.npy, float16 (T, C)')
    parser.add_argument('--channels', type=int, default=2048)
    parser.add_argument('--feat-stride', type=float, default=4)
    parser.add_argument('--num-frames', type=float, default=16)
    parser.add_argument('--strength', type=float, default=.5)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(args)

    database, _ = read_database(args.ann_file)
    names = sorted({
        a['label']
        for video in database.values()
        for a in video['annotations']
    })
    directions = np.random.default_rng(args.seed).standard_normal(
        (len(names), args.channels)).astype(np.float32)
    os.makedirs(args.out, exist_ok=True)
    bar = ProgressBar(len(database))
    for name, video in database.items():
        grid = FeatureGrid(video['fps'], args.feat_stride, args.num_frames)
        frames = video['duration'] * video['fps']
        length = int((frames - args.num_frames) // args.feat_stride) + 1
        segments = np.array([a['segment'] for a in video['annotations']])
        labels = [names.index(a['label']) for a in video['annotations']]
        rng = np.random.default_rng([args.seed, zlib.crc32(name.encode())])
        feats = planted(
            max(length, 1), grid.to_grid(segments.reshape(-1, 2)), labels,
            directions, args.strength, rng)
        np.save(osp.join(args.out, f'{name}.npy'), feats)
        bar.update()


if __name__ == '__main__':
    main()
