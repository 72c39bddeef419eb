# Copyright (c) mmevad authors. All rights reserved.
"""Segment mAP: ``segment_map`` against mmaction2's ActivityNet evaluation."""
import argparse
import json
import os
import tempfile
from typing import Callable, Dict, List, Tuple

import numpy as np
from benchmarks.fresh import measure

CLASSES = 20
TIOUS = (0.3, 0.4, 0.5, 0.6, 0.7)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes of the S-CNN detections on THUMOS14 by default."""
    parser.add_argument('--segment-videos', type=int, default=212)
    parser.add_argument('--segment-truths', type=int, default=3358)
    parser.add_argument('--segment-dets', type=int, default=24244)


def rows(args: argparse.Namespace) -> List[Dict]:
    """One row; the share is the first videos."""
    share = args.share or 1
    part = max(1, round(share * args.segment_videos))
    sizes = (args.segment_videos, args.segment_truths, args.segment_dets,
             args.seed)
    options = dict(repeats=args.repeats, threads=args.threads)
    ours = measure(our_evaluation, args.segment_videos, *sizes, **options)
    same = ours if part == args.segment_videos else measure(
        our_evaluation, part, *sizes, threads=args.threads)
    reference = measure(reference_evaluation, part, *sizes, **options)
    return [
        dict(
            name=f'segments, {args.segment_dets} for {args.segment_truths}',
            ours_s=ours.seconds,
            ours_mib=ours.mib,
            reference_s=reference.seconds,
            reference_mib=reference.mib,
            reference_share=part / args.segment_videos,
            agree=float(np.abs(same.value - reference.value).max()))
    ]


def make_up(folder: str, part: int, num_videos: int, num_truths: int,
            num_dets: int, seed: int) -> Tuple[str, str]:
    """Write ground truth and detections of the first videos.

    Detections lie around ground truths; no two of a video overlap a third
    one equally much, and no two scores are equal.

    Returns:
        tuple: Two paths.
    """
    rng = np.random.default_rng(seed)
    video = np.sort(rng.integers(0, num_videos, num_truths))
    label = rng.integers(0, CLASSES, num_truths)
    label[:CLASSES] = np.arange(CLASSES)  # also the first video has some
    start = rng.uniform(0, 200, num_truths)
    segment = np.stack([start, start + rng.uniform(1, 10, num_truths)], 1)
    truths: Dict[str, Dict] = {
        f'v_{v:04d}': dict(subset='test', annotations=[])
        for v in range(part)
    }
    for v, c, s in zip(video, label, segment.tolist()):
        if v < part:
            truths[f'v_{v:04d}']['annotations'].append(
                dict(label=f'class {c:02d}', label_id=int(c), segment=s))
    near = rng.integers(0, num_truths, num_dets)
    moved = np.sort(segment[near] + rng.normal(0, 1.5, (num_dets, 2)), axis=1)
    moved[:, 1] += 0.01
    score = rng.permutation(num_dets) / num_dets
    guess = np.where(
        rng.random(num_dets) < 0.7, label[near],
        rng.integers(0, CLASSES, num_dets))
    # mmaction2 cuts 'v_' off the names in the ground truth
    results: Dict[str, List] = {}
    names = {c for v, c in zip(video, label) if v < part}
    for v, c, s, x in zip(video[near], guess, moved.tolist(), score.tolist()):
        if v < part and c in names:
            results.setdefault(f'{v:04d}', []).append(
                dict(label=f'class {c:02d}', segment=s, score=x))
    paths = (os.path.join(folder, 'gt.json'), os.path.join(folder, 'det.json'))
    for path, content in zip(paths, (truths, dict(results=results))):
        with open(path, 'w') as file:
            json.dump(content, file)
    return paths


def our_evaluation(*sizes: int) -> Callable[[], np.ndarray]:
    """Made-up files; read and evaluated when called: mAP by tIoU."""
    from mmevad.evaluation import read_ground_truth, read_results, segment_map
    folder = tempfile.TemporaryDirectory()
    paths = make_up(folder.name, *sizes)

    def evaluate() -> np.ndarray:
        assert folder.name  # keeps the files
        truth = read_ground_truth(paths[0])
        preds = read_results(paths[1], truth, prefix='v_')
        return segment_map(truth.segments, preds, TIOUS).mean_ap

    return evaluate


def reference_evaluation(*sizes: int) -> Callable[[], np.ndarray]:
    """The same with mmaction2."""
    import mmevad  # noqa: F401  isort: skip
    from mmaction.evaluation import ActivityNetLocalization
    folder = tempfile.TemporaryDirectory()
    paths = make_up(folder.name, *sizes)

    def evaluate() -> np.ndarray:
        assert folder.name
        return ActivityNetLocalization(*paths, np.array(TIOUS)).evaluate()[0]

    return evaluate
