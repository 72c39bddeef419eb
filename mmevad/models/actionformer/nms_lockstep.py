# Copyright (c) mmevad authors. All rights reserved.
"""Soft-NMS of all classes at once.

Scores only fall, so an old score bounds the present one from above. Each
round takes the candidates of every class with the best bounds, brings their
scores up to date with what was selected since they were last looked at, and
selects among them, one per class and step, while the selected score is above
the bounds of all others of its class. A class is done when it cannot reach the
result any more: most segments are never looked at.

Equal scores in one class need the released order of ties, which is not known
here: then there is no answer, and ``nms_sequential`` has to find it.
"""
from typing import NamedTuple, Optional, Tuple

import numpy as np

from .nms_pairs import Spans, Weight, best_first, iou

_GONE = np.float32(-1)
# candidates of a round: of all classes, and the least and most of one class
_ROUND, _FEWEST, _MOST = 1024, 16, 256
_STEPS = 16  # between two looks at whether a round is over
_MAX_PAIRS = 2_000_000  # from here on, one selection at a time is faster


class _Candidates(NamedTuple):
    """Some columns of the table, (R, K) each."""

    columns: np.ndarray
    index: np.ndarray
    bound: np.ndarray
    seen: np.ndarray


class _Table:
    """One row per unfinished class, best original score first.

    ``bound`` is a segment's score after the first ``seen`` selections of its
    class, ``_GONE`` for one that was selected or dropped and for the padding
    of short rows, whose ``index`` is N. Columns are added when they are
    needed; ``later`` is the best score among those to come.
    """

    def __init__(self, scores: np.ndarray, groups: np.ndarray,
                 min_score: np.float32) -> None:
        order = best_first(scores, groups)
        order = order[np.argsort(groups[order], kind='stable')]
        ordered, owner = scores[order], groups[order]
        self._begin = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        usable = np.add.reduceat(ordered >= min_score, self._begin)
        # the first of a class is never tested, and then drops all others
        self.min_scores = np.where(usable, min_score, np.float32(0))
        self._usable = np.maximum(usable, 1)
        self._index = np.append(order, len(scores))
        self._score = np.append(ordered, _GONE)
        self.rows = np.arange(len(self._begin))
        self._longest = int(self._usable.max())
        self.index = self._columns(0, 0)
        self.bound = self._score[self.index]
        self.seen = np.zeros_like(self.index)
        self.widen()

    def _columns(self, first: int, last: int) -> np.ndarray:
        """Sorted positions of some columns."""
        column = np.arange(first, last)
        return np.where(column < self._usable[:, None],
                        self._begin[:, None] + column,
                        len(self._score) - 1)

    def widen(self) -> None:
        """Twice as many columns."""
        width = self.bound.shape[1]
        wider = min(max(2 * width, 64), self._longest)
        new = self._columns(width, wider)
        self.index = np.concatenate((self.index, self._index[new]), 1)
        self.bound = np.concatenate((self.bound, self._score[new]), 1)
        self.seen = np.concatenate((self.seen, np.zeros_like(new)), 1)
        self.later = self._score[self._columns(wider, wider + 1)[:, 0]]

    def retain(self, wanted: np.ndarray) -> None:
        """Drop the rows that are finished."""
        if not wanted.all():
            for name in ('rows', 'index', 'bound', 'seen', 'later',
                         'min_scores', '_begin', '_usable'):
                setattr(self, name, getattr(self, name)[wanted])

    def best(self) -> np.ndarray:
        """(R, ) bound on what a row can still select."""
        return np.maximum(self.bound.max(1), self.later)

    def leaders(self, least: np.ndarray) -> Tuple[_Candidates, np.ndarray]:
        """Candidates with the best bounds, and the best bound outside.

        Args:
            least (np.ndarray): (R, ) scores below don't count.
        """
        rows = len(self.rows)
        while True:
            width = self.bound.shape[1]
            size = min(max(_FEWEST, min(_MOST, _ROUND // rows)), width)
            if size == width:
                columns = np.broadcast_to(np.arange(width), (rows, width))
                outside = np.zeros(rows, np.float32)
                weakest = self.bound.min(1)
            else:
                columns = np.argpartition(self.bound, width - size - 1, axis=1)
                columns = columns[:, width - size - 1:]
                bound = np.take_along_axis(self.bound, columns, 1)
                outside, weakest = bound[:, 0], bound[:, 1:].min(1)
                columns = columns[:, 1:]
            if not (self.later >= np.maximum(weakest, least)).any():
                break
            self.widen()
        row = np.arange(rows)[:, None]
        chosen = _Candidates(columns, self.index[row, columns],
                             self.bound[row, columns], self.seen[row, columns])
        return chosen, np.maximum(np.maximum(outside, self.later), 0)

    def update(self, columns: np.ndarray, bound: np.ndarray,
               seen: np.ndarray) -> None:
        """New bounds (R, K); ``seen`` is (R, )."""
        row = np.arange(len(self.rows))[:, None]
        bound[bound < self.min_scores[:, None]] = _GONE
        self.bound[row, columns] = bound
        self.seen[row, columns] = seen[:, None]


class _Selected:
    """Selected segments and their scores, one row per class."""

    def __init__(self, num_classes: int, nothing: int) -> None:
        self.count = np.zeros(num_classes, dtype=np.int64)
        self.index = np.full((num_classes, _FEWEST), nothing)
        self.score = np.full((num_classes, _FEWEST), _GONE)
        self._nothing = nothing

    def add(self, rows: np.ndarray, index: np.ndarray, score: np.ndarray,
            valid: np.ndarray) -> None:
        """Append the valid ones of (steps, R)."""
        step, row = valid.nonzero()
        place = self.count[rows[row]] + step
        self.count[rows] += valid.sum(0)
        while self.count.max() > self.index.shape[1]:
            more = np.full_like(self.index, self._nothing)
            self.index = np.concatenate((self.index, more), 1)
            more = np.full_like(self.score, _GONE)
            self.score = np.concatenate((self.score, more), 1)
        self.index[rows[row], place] = index[step, row]
        self.score[rows[row], place] = score[step, row]

    def floor(self, max_num: int) -> np.float32:
        """Score from which a segment can be in the result."""
        if self.count.sum() < max_num:
            return np.float32(0)
        score = self.score[self.score != _GONE]
        return np.partition(score, len(score) - max_num)[-max_num]

    def result(self, max_num: int) -> Tuple[np.ndarray, np.ndarray]:
        """Indices and scores of all classes, best first."""
        real = self.score != _GONE
        score = self.score[real]
        order = np.argsort(-score, kind='stable')[:max_num]
        return self.index[real][order], score[order]


def _catch_up(bound: np.ndarray, spans: Spans, seen: np.ndarray,
              selected: Spans, first: int, count: np.ndarray,
              weight: Weight) -> np.ndarray:
    """Scores after all selections of the class, decayed in their order.

    Args:
        bound (np.ndarray): (R, K) scores after ``seen`` (R, K) selections.
        spans (Spans): (R, K) segments.
        selected (Spans): (R, P) selections, from number ``first`` on, of
            which only those up to ``count`` (R, ) are there.
    """
    factors = np.empty(
        (len(bound), selected.start.shape[1] + 1, bound.shape[1]), np.float32)
    factors[:, 0] = bound
    factors[:, 1:] = weight(
        iou(selected.take(np.s_[:, :, None]), spans.take(np.s_[:, None])))
    number = np.arange(first, first + selected.start.shape[1])[:, None]
    new = (number >= seen[:, None]) & (number < count[:, None, None])
    np.copyto(factors[:, 1:], 1, where=~new)
    return np.multiply.reduce(factors, axis=1)


def _play(scores: np.ndarray, factors: np.ndarray,
          least: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Select and decay among a few candidates, all classes in step.

    Goes on for some steps after a class has nothing left above ``least``.

    Args:
        scores (np.ndarray): (R, K).
        factors (np.ndarray): (R, K, K), what the first does to the second.
        least (np.ndarray): (R, ).

    Returns:
        tuple[np.ndarray]: scores before each step and after the last,
        (T + 1, R, K), and what each step selects, (T, R).
    """
    rows, size = scores.shape
    factors[:, np.arange(size), np.arange(size)] = -1  # gone after selection
    factors = factors.reshape(rows * size, size)
    first = np.arange(rows) * size
    history = np.empty((size + 1, rows, size), np.float32)
    history[0] = scores
    chosen = np.empty((size, rows), dtype=np.int64)
    for step in range(size):
        if step % _STEPS == 0 and (history[step].max(1) < least).all():
            return history[:step + 1], chosen[:step]
        history[step].argmax(1, out=chosen[step])
        np.multiply(
            history[step],
            factors.take(first + chosen[step], axis=0),
            out=history[step + 1])
    return history, chosen


def lockstep_soft_nms(
        segments: np.ndarray, scores: np.ndarray, groups: np.ndarray,
        weight: Weight, min_score: float,
        max_num: Optional[int]) -> Optional[Tuple[np.ndarray, np.ndarray]]:
    """Soft-NMS inside each group.

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
        tuple[np.ndarray], optional: indices (M, ) and decayed scores (M, ),
        best first; equal scores by group. None if equal scores in a group
        leave the selection open, or another algorithm is faster.
    """
    max_num = min(max_num or len(scores), len(scores))
    nothing = np.zeros((1, 2), np.float32)  # index N
    spans = Spans.of(np.concatenate((segments, nothing)))
    table = _Table(scores, groups, np.float32(min_score))
    selected = _Selected(len(table.rows), len(scores))
    pairs = 0
    while True:
        floor = selected.floor(max_num)
        table.retain(table.best() >= np.maximum(table.min_scores, floor))
        if not len(table.rows):
            return selected.result(max_num)
        least = np.maximum(table.min_scores, floor)
        lead, outside = table.leaders(least)
        count, bound = selected.count[table.rows], lead.bound
        stale = (lead.seen < count[:, None]) & (bound != _GONE)
        caught_up = stale.any()
        if caught_up:
            first = int(lead.seen[stale].min())
            past = selected.index[table.rows, first:count.max()]
            pairs += past.size * bound.shape[1]
            if pairs > _MAX_PAIRS:
                return None
            bound = _catch_up(bound, spans.take(lead.index), lead.seen,
                              spans.take(past), first, count, weight)
            table.update(lead.columns, bound, count)
        least = np.maximum(least, outside)

        # only what is better than all outside can be selected now
        size = int((bound >= least[:, None]).sum(1).max())
        if size == 0:
            continue
        part = np.argpartition(bound, -size, axis=1)[:, -size:]
        bound = np.take_along_axis(bound, part, 1)
        columns = np.take_along_axis(lead.columns, part, 1)
        index = np.take_along_axis(lead.index, part, 1)
        here = spans.take(index)
        history, chosen = _play(
            bound,
            weight(
                iou(here.take(np.s_[:, :, None]), here.take(np.s_[:, None]))),
            least)
        steps, row = len(chosen), np.arange(len(bound))
        score = history[np.arange(steps)[:, None], row, chosen]
        # a class with nothing left goes on with nonsense
        valid = np.logical_and.accumulate((score > outside) & (score >= least))
        tied = (history[:-1] == score[:, :, None]).sum(2) > 1
        if (valid & tied).any() or not (caught_up or valid.any()):
            return None
        done = valid.sum(0)
        table.update(columns, history[done, row], count + done)
        selected.add(table.rows, index[row, chosen], score, valid)
