# Copyright (c) mmevad authors. All rights reserved.
"""Soft-NMS, one selection at a time.

A selection only touches what overlaps it, so each class is sorted by start and
a selection works on one window of it. Classes take turns, best next segment
first, and the loop ends with the last segment of the result.
"""
import heapq
from typing import List, Optional, Tuple

import numpy as np

from .nms_pairs import Spans, Weight, iou

_GONE = np.float32(-1)


class _WorkingOrder:
    """Where the released loop has the segments of one class.

    That loop works in place: a selected segment changes places with the
    first one that is left, and the last one fills the place of a dropped
    one. The place decides between equal scores. So the moves are written
    down, and only made when there are equal scores.

    Args:
        order (np.ndarray): (N, ) segments as they are given.
    """

    def __init__(self, order: np.ndarray) -> None:
        self.moves: List[Tuple[int, np.ndarray]] = []
        self._order = order
        self._places = None

    def first_of(self, tied: np.ndarray) -> int:
        """The one that the released loop selects."""
        if self._places is None:
            self._at = self._order.tolist()
            self._places = np.argsort(self._order).tolist()
            self._begin, self._end = 0, len(self._at)
        for selected, dropped in self.moves:
            place = self._places[selected]
            self._put(self._at[self._begin], place)
            self._begin += 1
            self._fill(set(dropped.tolist()))
        self.moves.clear()
        return min(tied.tolist(), key=self._places.__getitem__)

    def _put(self, segment: int, place: int) -> None:
        self._at[place], self._places[segment] = segment, place

    def _fill(self, dropped: set) -> None:
        last, self._end = self._end, self._end - len(dropped)
        for hole in sorted(self._places[segment] for segment in dropped):
            if hole >= self._end:
                break
            last -= 1
            while self._at[last] in dropped:
                last -= 1
            self._put(self._at[last], hole)


class _Class:
    """Segments of one class, sorted by start.

    Args:
        index (np.ndarray): (N, ) their indices, sorted by start.
        spans (Spans): All segments.
        scores (np.ndarray): (M, ) scores of all segments.
        weight (Callable): IoU -> factor on the score.
        min_score (np.float32): Decayed scores below it are dropped.
    """

    def __init__(self, index: np.ndarray, spans: Spans, scores: np.ndarray,
                 weight: Weight, min_score: np.float32) -> None:
        self.index = index
        self.spans = spans.take(index)
        self.scores = scores[index]
        self.weight = weight
        self.min_score = min_score
        # how far the segments up to each one reach
        self.reach = np.maximum.accumulate(self.spans.end)
        self.order = _WorkingOrder(np.argsort(index))
        self.untouched = True

    def best(self) -> Optional[int]:
        """Position of the best segment that is left, None if there is none."""
        best = int(self.scores.argmax())
        tied = self.scores == self.scores[best]
        if self.scores[best] == _GONE:
            return None
        if np.count_nonzero(tied) > 1:
            return self.order.first_of(np.flatnonzero(tied))
        return best

    def select(self, best: int) -> None:
        """Take a segment out, decay and drop others."""
        chosen = self.spans.take(best)
        self.scores[best] = _GONE
        if self.untouched:  # what is too low falls with the first selection
            window = slice(None)
            self.untouched = False
        else:
            window = slice(
                self.reach.searchsorted(chosen.start),
                self.spans.start.searchsorted(chosen.end, 'right'))
        scores = self.scores[window]
        gone = scores == _GONE
        scores *= self.weight(iou(chosen, self.spans.take(window)))
        scores[gone] = _GONE
        low = scores < self.min_score
        low &= ~gone
        dropped = np.flatnonzero(low)
        if len(dropped):
            scores[dropped] = _GONE
            dropped += window.start or 0
        self.order.moves.append((best, dropped))


def sequential_soft_nms(
        segments: np.ndarray, scores: np.ndarray, groups: np.ndarray,
        weight: Weight, min_score: float,
        max_num: Optional[int]) -> Tuple[np.ndarray, np.ndarray]:
    """Soft-NMS inside each group, equal scores as in the released loop.

    Args:
        segments (np.ndarray): float32 (N, 2).
        scores (np.ndarray): float32 (N, ), not negative.
        groups (np.ndarray): unsigned integers (N, ); segments of different
            groups don't touch each other.
        weight (Callable): IoU -> factor on the score.
        min_score (float): A segment whose decayed score falls under it is
            dropped. The first of a group is never tested.
        max_num (int, optional): Return that many of the best. None: all.

    Returns:
        tuple[np.ndarray]: indices (M, ) and decayed scores (M, ), best
        first; equal scores by group, then in order of selection.
    """
    spans = Spans.of(segments)
    by_start = np.argsort(spans.start)
    by_start = by_start[np.argsort(groups[by_start], kind='stable')]
    cuts = np.flatnonzero(np.diff(groups[by_start])) + 1
    classes = [
        _Class(index, spans, scores, weight, np.float32(min_score))
        for index in np.split(by_start, cuts)
    ]
    # scores only fall: the best of a class is its next
    turns: List[Tuple[float, int, int]] = []

    def queue(number: int) -> None:
        best = classes[number].best()
        if best is not None:
            score = float(classes[number].scores[best])
            heapq.heappush(turns, (-score, number, best))

    for number in range(len(classes)):
        queue(number)
    kept, kept_scores = [], []
    while turns and len(kept) != max_num:
        score, number, best = heapq.heappop(turns)
        kept.append(classes[number].index[best])
        kept_scores.append(-score)
        classes[number].select(best)
        queue(number)
    return np.array(kept, dtype=np.int64), np.array(kept_scores, np.float32)
