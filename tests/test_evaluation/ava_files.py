# Copyright (c) mmevad authors. All rights reserved.
"""Small annotations in AVA's form and predictions for them."""
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np
import torch

# of AVA's label map, where its three groups begin and end
AVA_NAMES = {
    1: 'bend/bow (at the waist)',
    14: 'walk',
    15: 'answer phone',
    63: 'write',
    64: 'fight/hit (a person)',
    80: 'watch (a person)'
}


class AVAFiles(NamedTuple):
    """Paths and data samples."""

    ann_file: str
    exclude_file: str
    label_file: str
    samples: List[dict]


def sample_of(key: tuple, boxes: np.ndarray, **scores: np.ndarray) -> dict:
    """A data sample as metrics get it."""
    instances = dict(bboxes=boxes, **scores)
    return dict(
        video_id=key[0],
        timestamp=key[1],
        pred_instances={
            name: torch.as_tensor(np.asarray(x), dtype=torch.float32)
            for name, x in instances.items()
        })


def write_map(path: Path,
              ids: List[int],
              names: Optional[Dict[int, str]] = None) -> str:
    """A label map; classes without a name are 'action <id>'."""
    names = {**{i: f'action {i}' for i in ids}, **(names or {})}
    path.write_text(''.join(f'item {{\n  name: "{names[i]}"\n  id: {i}\n}}\n'
                            for i in ids))
    return str(path)


def make_ava(folder: Path,
             seed: int,
             num_classes: int = 80,
             ids: Optional[List[int]] = None,
             decimals: Optional[int] = None,
             excluded: bool = False) -> AVAFiles:
    """40 keyframes of 3 persons with 3 actions each.

    Boxes are on a coarse grid, with many equal IoUs; keyframes have 0 to 6
    predicted boxes, two of them are predicted without annotation and two
    annotated without prediction. Scores with ``decimals`` 1 or 2 are mostly
    ties.

    Args:
        ids (list[int], optional): Of the label map; all by default.
        excluded (bool): Exclude two keyframes without annotation.
    """
    rng = np.random.default_rng(seed)
    rows, samples = [], []
    for number in range(44):
        key = (f'v{number // 20}', 900 + number % 20)
        corner = rng.integers(0, 5, (3, 2)) / 10
        boxes = np.concatenate(
            [corner, corner + rng.integers(2, 6, (3, 2)) / 10], axis=1)
        if number not in (5, 25):
            rows += [
                '{},{:04d},{},{},{},{},{},{}'.format(*key, *box.round(1),
                                                     action, entity)
                for entity, box in enumerate(boxes)
                for action in rng.integers(1, num_classes + 1, 3)
            ]
        if number in (6, 26):
            continue
        moved = np.tile(boxes, (2, 1))[:rng.integers(0, 7)]
        moved = moved + rng.integers(-1, 2, moved.shape) / 20
        moved = np.concatenate(
            [moved[:, :2],
             np.maximum(moved[:, :2], moved[:, 2:])], axis=1)
        scores = rng.random((len(moved), num_classes + 1))**3
        if decimals:
            scores = scores.round(decimals)
        samples.append(sample_of(key, moved, scores=scores))
    rng.shuffle(rows)
    (folder / 'gt.csv').write_text('\n'.join(rows) + '\n')
    (folder /
     'excluded.csv').write_text('v0,0905\nv1,0905\n' if excluded else '')
    return AVAFiles(
        str(folder / 'gt.csv'), str(folder / 'excluded.csv'),
        write_map(folder / 'map.pbtxt', ids
                  or list(range(1, num_classes + 1))), samples)


def csv_samples(path: Path, num_classes: int) -> List[dict]:
    """Data samples from rows with a score, one box for each row."""
    by_key: Dict[tuple, list] = {}
    for row in path.read_text().split():
        video, second, *box, label, score = row.split(',')
        scores = np.zeros(num_classes + 1)
        scores[int(label)] = float(score)
        by_key.setdefault((video, int(second)), []).append(
            (np.array(box, dtype=float), scores))
    return [
        sample_of(key, [box for box, _ in many], scores=[x for _, x in many])
        for key, many in by_key.items()
    ]
