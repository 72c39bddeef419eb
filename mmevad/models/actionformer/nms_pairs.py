# Copyright (c) mmevad authors. All rights reserved.
"""What one segment does to another in NMS, bit by bit as released.

All numbers are float32, in the released order of operations, so that
selections don't depend on rounding: of two nearly equal scores the same one is
taken.
"""
from typing import Callable, NamedTuple

import numpy as np

# IoU (overwritten) -> factor on the score of the segment that was not selected
Weight = Callable[[np.ndarray], np.ndarray]


class Spans(NamedTuple):
    """Segments in an array of any shape."""

    start: np.ndarray
    end: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, segments: np.ndarray, eps: float = 1e-6) -> 'Spans':
        """From float32 (N, 2); ``eps`` is added to the lengths."""
        start, end = np.ascontiguousarray(segments.T)
        return cls(start, end, (end - start) + np.float32(eps))

    def take(self, index) -> 'Spans':
        """The segments at an index, slice or new axis."""
        return Spans(*(part[index] for part in self))


def iou(first: Spans, second: Spans) -> np.ndarray:
    """IoU of all pairs that broadcasting makes."""
    inter = np.minimum(first.end, second.end)
    inter -= np.maximum(first.start, second.start)
    np.maximum(inter, 0, out=inter)
    union = first.length + second.length
    union -= inter
    inter /= union
    return inter


def gaussian(sigma: float) -> Weight:
    """exp(-IoU^2 / sigma)."""
    negative_sigma = -np.float32(sigma)

    def weight(overlap: np.ndarray) -> np.ndarray:
        overlap *= overlap
        overlap /= negative_sigma
        # exp of float32 is a few bits off in NumPy and in PyTorch; rounded
        # from float64 it is what the C library gives
        return np.exp(overlap.astype(np.float64)).astype(np.float32)

    return weight


def linear(iou_threshold: float) -> Weight:
    """1 - IoU for an IoU from the threshold on, else 1."""
    threshold = np.float32(iou_threshold)

    def weight(overlap: np.ndarray) -> np.ndarray:
        overlap[overlap < threshold] = 0
        return np.subtract(1, overlap, out=overlap)

    return weight


def best_first(scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Order by falling score, then by group, then as given.

    A stable sort of floats is slow; here each key is unique instead.

    Args:
        scores (np.ndarray): float32 (N, ), not negative.
        groups (np.ndarray): unsigned integers (N, ).

    Returns:
        np.ndarray: int64 (N, ) indices.
    """
    by_group = np.argsort(groups, kind='stable')
    # the bits of floats that aren't negative are ordered like the floats
    bits = scores[by_group].view(np.int32).astype(np.int64)
    keys = ((0x7fffffff - bits) << 32) | np.arange(len(scores))
    keys.sort()
    return by_group[keys & 0xffffffff]
