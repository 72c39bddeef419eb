# Copyright (c) mmevad authors. All rights reserved.
"""Ground truth of frame-mAP and video-mAP, from a tube file."""
from typing import Dict, NamedTuple, Tuple

import numpy as np

from mmevad.datasets.tube_keyframes import box_table, choose_keyframes
from mmevad.datasets.tubes import Tubes
from mmevad.utils.errors import DataError
from .tube_tables import TubeTable, tube_table


class TubeTruth(NamedTuple):
    """Annotated tubes of some videos.

    Attributes:
        videos (dict): Number of each video.
        keys (dict): The frames to look at, (video, frame), in order; the
            values are of no meaning.
        tubes (TubeTable): All tubes, boxes in [0, 1].
        boxes (TubeTable): Of them the boxes on the frames to look at.
    """

    videos: Dict[str, int]
    keys: Dict[Tuple[str, int], None]
    tubes: TubeTable
    boxes: TubeTable


def read_tube_truth(tubes: Tubes,
                    split: int = 1,
                    subset: str = 'test',
                    all_frames: bool = False,
                    keyframe_interval: int = 1) -> TubeTruth:
    """Number the videos and choose the frames, as :class:`TubeDataset` does.

    Args:
        tubes (Tubes): What the file holds.
        split (int): Counted from 1. Defaults to 1.
        subset (str): 'train', 'test' or 'all'. Defaults to 'test'.
        all_frames (bool): Whether frames without annotation count. Defaults
            to False.
        keyframe_interval (int): Every k-th frame counts. Defaults to 1.

    Returns:
        TubeTruth: Boxes are divided by the resolution and clipped to [0, 1].

    Raises:
        DataError: If the split is missing or has no box on these frames.
    """
    videos = {name: i for i, name in enumerate(tubes.subset(subset, split))}
    keys: Dict[Tuple[str, int], None] = {}
    found = []
    for name, number in videos.items():
        by_label, (height, width) = tubes.gttubes[name], tubes.resolution[name]
        if all_frames:
            frames = np.arange(1, tubes.nframes[name] + 1, keyframe_interval)
        else:
            frames = choose_keyframes(
                box_table(by_label, tubes.resolution[name]), keyframe_interval)
        keys.update(dict.fromkeys((name, frame) for frame in frames.tolist()))
        for label, many in sorted(by_label.items()):
            for tube in many:
                boxes = tube[:, 1:].astype(np.float64)
                boxes = (boxes / [width, height, width, height]).clip(0, 1)
                rows = np.column_stack([tube[:, 0], boxes])
                looked_at = np.isin(tube[:, 0], frames)
                found.append((number, label, 1., rows, looked_at))
    boxes = tube_table((*tube, rows[seen]) for *tube, rows, seen in found)
    if not len(boxes.rows):
        raise DataError('No frame to look at has a box; choose a smaller '
                        'keyframe_interval.')
    return TubeTruth(videos, keys, tube_table(x[:4] for x in found), boxes)
