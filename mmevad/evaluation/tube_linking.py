# Copyright (c) mmevad authors. All rights reserved.
"""Tubes from the boxes of single frames.

The linking is that of Kalogeiton et al., *Action Tubelet Detector for
Spatio-Temporal Action Localization*, ICCV 2017, section 3.3, for tubelets
of one frame: online and greedy, each class of each video by itself.
"""
from typing import Iterator, NamedTuple, Optional, Tuple

import numpy as np

from .ava_map import box_iou
from .frame_nms import nms_per_class
from .tube_tables import (FrameDetections, TubeTable, concatenate_tables, cut,
                          ranges)

# Boxes that are linked at a time, and pairs of boxes that are compared.
_ROWS = 1 << 17
_PAIRS = 1 << 20


class Linking(NamedTuple):
    """How boxes become tubes.

    On every frame the boxes of a class are reduced by NMS to the ``top_k``
    best. Then the open tubes, by falling mean score, each take the box with
    the highest ``score + iou_weight * IoU`` among those left whose IoU with
    the tube's last box is at least ``iou_thr``. Boxes that are left start
    tubes. A tube ends when it has found none for ``max_gap`` frames; frames
    that it missed before are interpolated. Its score is the mean of its
    boxes' scores.

    The defaults are those of the paper and its released code, but for NMS:
    on the annotated boxes of the UCF101-24 test videos, all with the same
    score, they reach a video-mAP@0.5 of 93.1, with NMS at 0.3 one of 87.1.

    Attributes:
        iou_thr (float): Defaults to 0.2.
        iou_weight (float): Defaults to 0. With more, people who overlap keep
            their tubes rather than swap them for a better score.
        max_gap (int): Frames from a box to the next one that may be linked;
            1 is the next frame. Defaults to 5.
        nms_iou_thr (float, optional): Boxes that overlap a better one of
            the class by more are dropped; 0.3 in the paper. Defaults to
            None, which means no NMS, for models that predict each person
            once.
        top_k (int, optional): Boxes per frame and class; None means all.
            Defaults to 10.
        min_score (float, optional): Boxes of a class with a lower score are
            not linked. Defaults to None, which means all are.
        min_length (int): Tubes of fewer frames are dropped. Defaults to 15.
        min_tube_score (float, optional): Tubes with a lower score are
            dropped; 0.005 in the released code. Defaults to None, which
            means none are.
    """

    iou_thr: float = 0.2
    iou_weight: float = 0.
    max_gap: int = 5
    nms_iou_thr: Optional[float] = None
    top_k: Optional[int] = 10
    min_score: Optional[float] = None
    min_length: int = 15
    min_tube_score: Optional[float] = None

    def check(self) -> None:
        """Raise ValueError if a setting is out of range."""
        at_least = dict(max_gap=1, min_length=1, top_k=1, iou_weight=0)
        for name, least in at_least.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f'{name} of the linking must be at least '
                                 f'{least}, got {value}.')
        if not 0 < self.iou_thr <= 1:
            raise ValueError('iou_thr of the linking must be in (0, 1], got '
                             f'{self.iou_thr}.')


def link_tubes(dets: FrameDetections,
               linking: Linking = Linking(),
               step: int = 1) -> TubeTable:
    """Link the boxes of frames.

    Boxes of equal score are taken in the order of their rows, tubes of equal
    score in the order in which they began.

    Args:
        dets (FrameDetections): Predicted boxes.
        linking (Linking): How.
        step (int): Frame numbers between two frames that were looked at,
            the unit of ``max_gap``. Defaults to 1.

    Returns:
        TubeTable: Tubes with the boxes of ``dets``, by video and class.

    Raises:
        ValueError: If ``step`` or a setting is out of range.
    """
    linking.check()
    if step < 1:
        raise ValueError(f'step must be at least 1, got {step}.')
    order = np.lexsort((dets.frames, dets.videos))
    # The first for the case that there are no boxes.
    none = np.zeros(0, dtype=np.int64)
    tables = [TubeTable(none, none, np.zeros(0), none[:1], *[none] * 3)]
    for part in _blocks(dets.videos[order]):
        rows = order[part]
        block = dets.take(rows)
        if linking.min_score is not None:
            low = block.scores < linking.min_score
            block.scores[low] = -np.inf
        kept = nms_per_class(block, linking.nms_iou_thr, linking.top_k)
        # Frame by frame, all videos of the block at a time.
        by_frame = np.lexsort((block.videos, block.frames))
        block, kept, rows = (block.take(by_frame), kept[by_frame],
                             rows[by_frame])
        pairs = _neighbours(block, linking.iou_thr, linking.max_gap * step)
        tube_of = _link(block, kept, *pairs, linking.iou_weight)
        tables.append(_collect(block, tube_of, rows, linking))
    return concatenate_tables(tables, dets.frames.astype(np.int64), dets.boxes)


def _neighbours(block: FrameDetections, iou_thr: float,
                max_gap: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes of a video that may follow each other in a tube.

    Returns:
        tuple: (P,) row of the earlier box, row of the later box, which does
        not fall, and their IoU.
    """
    frames = block.frames.astype(np.int64)
    key = block.videos * (frames.max() + max_gap + 1) + frames
    order = np.argsort(key, kind='stable')
    key = key[order]
    begin = np.searchsorted(key, key - max_gap)
    count = np.searchsorted(key, key) - begin
    found = []
    for part in cut(count, _PAIRS):
        earlier = order[ranges(begin[part], count[part])]
        later = np.repeat(order[part], count[part])
        iou = box_iou(block.boxes[earlier], block.boxes[later])
        near = np.flatnonzero(iou >= iou_thr)
        found.append((earlier[near], later[near], iou[near]))
    earlier, later, iou = (np.concatenate(x) for x in zip(*found))
    order = np.argsort(later, kind='stable')
    return earlier[order], later[order], iou[order]


def _link(block: FrameDetections, kept: np.ndarray, earlier: np.ndarray,
          later: np.ndarray, iou: np.ndarray, iou_weight: float) -> np.ndarray:
    """Walk through the frames.

    Args:
        block (FrameDetections): N boxes of C classes, by frame.
        kept (np.ndarray): (N, C) bool, boxes that are to be linked.
        earlier (np.ndarray): (P,) row, see :func:`_neighbours`.
        later (np.ndarray): (P,) row.
        iou (np.ndarray): (P,) their IoU.
        iou_weight (float): Of the IoU against the score.

    Returns:
        np.ndarray: (N, C) int32 number of the tube, in the order in which
        tubes begin; -1 for boxes that are not kept.
    """
    num_classes = kept.shape[1]
    tube_of = np.full(kept.shape, -1, dtype=np.int32)
    open_at = tube_of.copy()  # the open tube that ends in a box
    most = int(kept.sum())
    total, count = np.zeros(most), np.zeros(most, dtype=np.int64)
    begun = 0
    bounds = np.flatnonzero(np.diff(block.frames, prepend=-1))
    bounds = np.append(bounds, len(kept))
    places = np.searchsorted(later, bounds)
    for a, b, low, high in zip(bounds, bounds[1:], places, places[1:]):
        old, new = earlier[low:high], later[low:high]
        pair, label = np.nonzero((open_at[old] >= 0) & kept[new])
        old, new = old[pair], new[pair]
        tube = open_at[old, label]
        value = block.scores[new, label] + iou_weight * iou[low:high][pair]
        won = _assign(old * num_classes + label,
                      (new - a) * num_classes + label, value, tube,
                      total[tube] / count[tube])
        old, new, label = old[won], new[won], label[won]
        tube_of[new, label] = tube[won]
        open_at[old, label] = -1
        row, label = np.nonzero(kept[a:b] & (tube_of[a:b] < 0))
        tube_of[a + row, label] = np.arange(begun, begun + len(row))
        begun += len(row)
        open_at[a:b] = tube_of[a:b]
        row, label = np.nonzero(kept[a:b])
        tube = tube_of[a + row, label]
        total[tube] += block.scores[a + row, label]
        count[tube] += 1
    return tube_of


def _assign(tail: np.ndarray, box: np.ndarray, value: np.ndarray,
            tube: np.ndarray, mean_score: np.ndarray) -> np.ndarray:
    """Tubes, by falling mean score, each take the best box that is left.

    Args:
        tail (np.ndarray): (P,) last box of the tube of each pair.
        box (np.ndarray): (P,) box that it may take; of equally good ones it
            takes the lowest.
        value (np.ndarray): (P,) how good this box is for the tube.
        tube (np.ndarray): (P,) tube; of equal scores the lowest is first.
        mean_score (np.ndarray): (P,) mean score of the tube.

    Returns:
        np.ndarray: Pairs that are linked.
    """
    if not len(tail):
        return tail
    lone = np.bincount(box)[box] == 1
    tail = tail - tail.min()
    lone &= np.bincount(tail)[tail] == 1
    linked = [np.flatnonzero(lone)]
    pairs = np.flatnonzero(~lone)
    order = np.lexsort(
        (box[pairs], -value[pairs], tube[pairs], -mean_score[pairs]))
    pairs = pairs[order]
    first = np.diff(tube[pairs], prepend=-1) != 0
    turn, box = np.cumsum(first), box[pairs]
    while len(pairs):
        # Tubes whose favourite is nobody's who comes before them.
        first = np.flatnonzero(np.diff(turn, prepend=-1))
        earliest = np.full(box.max() + 1, turn[-1])
        np.minimum.at(earliest, box, turn)
        first = first[earliest[box[first]] == turn[first]]
        linked.append(pairs[first])
        taken = np.zeros(len(earliest), dtype=bool)
        taken[box[first]] = True
        served = np.zeros(turn[-1] + 1, dtype=bool)
        served[turn[first]] = True
        left = ~(taken[box] | served[turn])
        pairs, turn, box = pairs[left], turn[left], box[left]
    return np.concatenate(linked)


def _collect(block: FrameDetections, tube_of: np.ndarray, rows: np.ndarray,
             linking: Linking) -> TubeTable:
    """Tubes of a block, by video and class.

    Args:
        block (FrameDetections): N boxes, by frame.
        tube_of (np.ndarray): (N, C) what :func:`_link` finds.
        rows (np.ndarray): (N,) rows of the boxes among all detections.
        linking (Linking): Which tubes to keep.
    """
    row, label = np.nonzero(tube_of >= 0)
    tube = tube_of[row, label]
    sizes = np.bincount(tube)
    scores = np.bincount(tube, block.scores[row, label]) / sizes
    order = np.argsort(tube, kind='stable')
    splits = np.append(0, np.cumsum(sizes))
    row = row[order]
    first, last = row[splits[:-1]], row[splits[1:] - 1]
    kept = block.frames[last] - block.frames[first] + 1 >= linking.min_length
    if linking.min_tube_score is not None:
        kept &= scores >= linking.min_tube_score
    videos, labels = block.videos[first], label[order][splits[:-1]]
    table = TubeTable(videos, labels, scores, splits, rows[row], block.frames,
                      block.boxes)
    kept = np.flatnonzero(kept)
    return table.take(kept[np.lexsort((labels[kept], videos[kept]))])


def _blocks(videos: np.ndarray) -> Iterator[slice]:
    """Rows of whole videos, given that the videos do not fall."""
    begin = np.flatnonzero(np.diff(videos, prepend=-1))
    sizes = np.diff(np.append(begin, len(videos)))
    for part in cut(sizes, _ROWS):
        yield slice(begin[part.start],
                    begin[part.stop - 1] + sizes[part.stop - 1])
