# Copyright (c) mmevad authors. All rights reserved.
"""Boxes on frames and tubes of many videos, as flat arrays."""
from typing import Iterable, List, NamedTuple, Tuple

import numpy as np


class FrameDetections(NamedTuple):
    """Predicted boxes, one row per box, with a score for every class.

    Attributes:
        videos (np.ndarray): (N,) int, number of the video.
        frames (np.ndarray): (N,) int, number of the frame.
        boxes (np.ndarray): (N, 4) x1, y1, x2, y2.
        scores (np.ndarray): (N, C); minus infinity where the box is no
            detection of the class.
    """

    videos: np.ndarray
    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    def take(self, rows: np.ndarray) -> 'FrameDetections':
        """Rows by number or mask."""
        return FrameDetections(*(x[rows] for x in self))


class TubeTable(NamedTuple):
    """T tubes of L boxes together; tubes may share rows of the boxes.

    Tube ``t`` has the rows ``rows[splits[t]:splits[t + 1]]`` of ``frames``
    and ``boxes``; its frames rise.

    Attributes:
        videos (np.ndarray): (T,) int, number of the video.
        labels (np.ndarray): (T,) int, class from 0.
        scores (np.ndarray): (T,); of no meaning for ground truth.
        splits (np.ndarray): (T + 1,) int.
        rows (np.ndarray): (L,) int.
        frames (np.ndarray): (N,) int, number of the frame.
        boxes (np.ndarray): (N, 4) x1, y1, x2, y2.
    """

    videos: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    splits: np.ndarray
    rows: np.ndarray
    frames: np.ndarray
    boxes: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """(T,) number of boxes."""
        return np.diff(self.splits)

    def take(self, tubes: np.ndarray) -> 'TubeTable':
        """Tubes by number or mask."""
        numbers = np.arange(len(self.videos))[tubes]
        sizes = self.sizes[numbers]
        rows = self.rows[ranges(self.splits[numbers], sizes)]
        return self._replace(
            videos=self.videos[numbers],
            labels=self.labels[numbers],
            scores=self.scores[numbers],
            splits=np.append(0, np.cumsum(sizes)),
            rows=rows)


def ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``start, start + 1, ...``, ``size`` numbers of each, one after another.

    Args:
        starts (np.ndarray): (K,) int.
        sizes (np.ndarray): (K,) int, at least 0.
    """
    skip = np.cumsum(sizes) - sizes
    return np.arange(sizes.sum()) + np.repeat(starts - skip, sizes)


def cut(sizes: np.ndarray, most: int) -> List[slice]:
    """Cut things into parts whose sizes together are about ``most``."""
    before = np.cumsum(sizes) - sizes
    cuts = np.flatnonzero(np.diff(before // most, prepend=-1)).tolist()
    return [slice(*x) for x in zip(cuts, [*cuts[1:], len(sizes)])]


def tube_table(
        tubes: Iterable[Tuple[int, int, float, np.ndarray]]) -> TubeTable:
    """Put tubes into one table.

    Args:
        tubes (Iterable): For each tube the number of its video, its class,
            its score and an (n, 5) array: frame, x1, y1, x2, y2.
    """
    tubes = list(tubes)
    videos, labels, scores = (np.array([tube[i] for tube in tubes], dtype=kind)
                              for i, kind in enumerate((np.int64, np.int64,
                                                        np.float64)))
    arrays = [tube[3] for tube in tubes] or [np.zeros((0, 5))]
    stacked = np.concatenate(arrays)
    splits = np.append(0, np.cumsum([len(tube[3]) for tube in tubes]))
    return TubeTable(videos, labels, scores, splits.astype(np.int64),
                     np.arange(len(stacked)), stacked[:, 0].astype(np.int64),
                     stacked[:, 1:])


def concatenate_tables(tables: Iterable[TubeTable], frames: np.ndarray,
                       boxes: np.ndarray) -> TubeTable:
    """Tubes of several tables whose rows count in the same boxes.

    Args:
        tables (Iterable[TubeTable]): At least one.
        frames (np.ndarray): (N,) frames of all of them.
        boxes (np.ndarray): (N, 4) boxes of all of them.
    """
    tables = list(tables)
    sizes = np.concatenate([table.sizes for table in tables])
    return TubeTable(
        np.concatenate([table.videos for table in tables]),
        np.concatenate([table.labels for table in tables]),
        np.concatenate([table.scores for table in tables]),
        np.append(0, np.cumsum(sizes)),
        np.concatenate([table.rows for table in tables]), frames, boxes)
