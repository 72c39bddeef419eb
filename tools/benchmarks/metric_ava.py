# Copyright (c) mmevad authors. All rights reserved.
"""AVA mAP: ``AVAFrameMAP`` against ``AVAMetric``, from the data samples on."""
import argparse
import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import numpy as np
import torch
from benchmarks.fresh import measure

# As in AVA: keyframes of a video, classes of a model, evaluated classes.
SECONDS, CLASSES, EVALUATED = 897, 80, 60
# every class but each fourth
IDS = [i for i in range(1, CLASSES + 1) if i % 4 != 1]
# those that AVAMetric always reports, in its order
GROUPS = dict(
    person_movement=[i for i in IDS if i <= 14],
    object_manipulation=[i for i in IDS if 14 < i < 64],
    person_interaction=[i for i in IDS if i >= 64])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes of the validation set of AVA by default."""
    parser.add_argument('--ava-keyframes', type=int, default=57000)
    parser.add_argument('--ava-boxes', type=int, default=3)


def rows(args: argparse.Namespace) -> List[Dict]:
    """One row; the share is the first keyframes."""
    share = args.share or min(1, 5700 / args.ava_keyframes)
    part = max(1, round(share * args.ava_keyframes))
    sizes = (args.ava_boxes, args.seed)
    options = dict(repeats=args.repeats, threads=args.threads)
    ours = measure(evaluation, 'AVAFrameMAP', args.ava_keyframes, *sizes,
                   **options)
    same = ours if part == args.ava_keyframes else measure(
        evaluation, 'AVAFrameMAP', part, *sizes, threads=args.threads)
    reference = measure(evaluation, 'AVAMetric', part, *sizes, **options)
    return [
        dict(
            name=f'AVA, {args.ava_keyframes} keyframes x {args.ava_boxes} '
            f'x {EVALUATED}',
            ours_s=ours.seconds,
            ours_mib=ours.mib,
            reference_s=reference.seconds,
            reference_mib=reference.mib,
            reference_share=part / args.ava_keyframes,
            agree=float(np.abs(same.value - reference.value).max()))
    ]


def evaluation(metric_type: str, num_keyframes: int, num_boxes: int,
               seed: int) -> Callable[[], np.ndarray]:
    """Make up a data set and predictions with a score for every class.

    Returns:
        Callable: Evaluates with one metric; returns its four numbers.
    """
    from mmaction.registry import METRICS

    import mmevad  # noqa: F401
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 0.6, (num_keyframes, num_boxes, 2))
    size = rng.uniform(0.1, 0.4, corner.shape)
    boxes = np.concatenate([corner, corner + size], axis=2)
    actions = rng.integers(1, CLASSES + 1, (num_keyframes, num_boxes, 2))
    preds = _shake(rng, boxes)
    scores = rng.random((num_keyframes, num_boxes, CLASSES + 1),
                        dtype=np.float32)
    scores = 0.003 + 0.99 * scores**2
    # a model knows some of the truth
    place = np.ogrid[:num_keyframes, :num_boxes, :1][:2]
    scores[(*place, actions)] **= 0.3
    folder = tempfile.TemporaryDirectory()
    _write_files(Path(folder.name), boxes, actions)

    options = dict(groups=GROUPS) if metric_type == 'AVAFrameMAP' else {}

    def evaluate() -> np.ndarray:
        metric = METRICS.build(
            dict(
                type=metric_type,
                ann_file=os.path.join(folder.name, 'gt.csv'),
                exclude_file=None,
                label_file=os.path.join(folder.name, 'map.pbtxt'),
                num_classes=CLASSES + 1,
                **options))
        with _silence():
            for i in range(num_keyframes):
                video, second = _name(i)
                instances = dict(
                    bboxes=torch.from_numpy(preds[i]),
                    scores=torch.from_numpy(scores[i]))
                metric.process(None, [
                    dict(
                        video_id=video,
                        timestamp=second,
                        pred_instances=instances)
                ])
            return np.array(list(metric.evaluate(num_keyframes).values()))

    return evaluate


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without the tables of the metrics."""
    logging.disable(logging.CRITICAL)
    try:
        with open(os.devnull, 'w') as sink, contextlib.redirect_stdout(sink):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _shake(rng: np.random.Generator, boxes: np.ndarray) -> np.ndarray:
    """Boxes as an actor head may give them; a third misses IoU 0.5."""
    moved = boxes + rng.normal(0, 0.04, boxes.shape)
    first, second = moved[..., :2], moved[..., 2:]
    moved = np.concatenate(
        [np.minimum(first, second),
         np.maximum(first, second)], axis=2)
    return moved.clip(0, 1).astype(np.float32)


def _name(keyframe: int) -> tuple:
    return f'video{keyframe // SECONDS:03d}', 902 + keyframe % SECONDS


def _write_files(folder: Path, boxes: np.ndarray, actions: np.ndarray) -> None:
    """AVA's csv and a label map."""
    with open(folder / 'gt.csv', 'w') as file:
        for i, (persons, labels) in enumerate(zip(boxes, actions)):
            video, second = _name(i)
            for entity, (box, many) in enumerate(zip(persons, labels)):
                place = ','.join(f'{x:.3f}' for x in box)
                for action in sorted(set(many.tolist())):
                    file.write(f'{video},{second:04d},{place},{action},'
                               f'{entity}\n')
    (folder / 'map.pbtxt').write_text(''.join(
        f'item {{\n  name: "action {i}"\n  id: {i}\n}}\n' for i in IDS))
