# Copyright (c) mmevad authors. All rights reserved.
"""Transforms of annotated segments, (N, 2) float32 start and end."""
from typing import Optional, Sequence, Tuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmevad.structures import FeatureGrid


def cut_segments(segments: np.ndarray, low: float,
                 high: float) -> Tuple[np.ndarray, np.ndarray]:
    """Cut segments to a window.

    Args:
        segments (np.ndarray): (N, 2) start and end.
        low (float): Start of the window.
        high (float): End of the window.

    Returns:
        Tuple[np.ndarray, np.ndarray]: (N, 2) what of each is inside, and
        (N,) how much of its length that is, 0 for one without length.
    """
    starts = np.maximum(segments[:, 0], np.float32(low))
    ends = np.minimum(segments[:, 1], np.float32(high))
    lengths = segments[:, 1] - segments[:, 0]
    inside = np.maximum(ends - starts, 0)
    ratios = np.divide(
        inside, lengths, out=np.zeros_like(inside), where=lengths > 0)
    return np.stack([starts, ends], axis=1), ratios


@TRANSFORMS.register_module()
class SecondsToGrid(BaseTransform):
    """Put the segments from seconds onto the grid of the features.

    It comes after what changes the grid, and before what cuts segments.

    Required keys: fps, feat_stride, num_frames (frames).
    Modified key, if it is there: segments.
    """

    def transform(self, results: dict) -> dict:
        """Convert."""
        if 'segments' in results:
            results['segments'] = _grid(results).to_grid(results['segments'])
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'


@TRANSFORMS.register_module()
class CutSegmentsToFeatures(BaseTransform):
    """Cut the segments at the end of the features, drop what is mostly past.

    The end is the last feature's window, ``T + FeatureGrid.offset``. For
    training on features that cover less than the annotated video.

    Required keys: feats, feat_stride, num_frames, fps.
    Modified keys: segments (on the grid), labels.

    Args:
        trunc_thresh (float): The part of its length that a segment must have
            before the end, in (0, 1].
    """

    def __init__(self, trunc_thresh: float) -> None:
        self.trunc_thresh = _check_thresh(trunc_thresh)

    def transform(self, results: dict) -> dict:
        """Cut."""
        end = results['feats'].shape[0] + _grid(results).offset
        segments, ratios = cut_segments(results['segments'], -np.inf, end)
        kept = ratios >= self.trunc_thresh
        results['segments'] = segments[kept]
        results['labels'] = results['labels'][kept]
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}(trunc_thresh={self.trunc_thresh})'


@TRANSFORMS.register_module()
class RandomCropSegments(BaseTransform):
    """Crop a random window of the features that has an action.

    More than ``max_seq_len`` features are cropped to that; fewer, only with
    ``crop_ratio``, to a random length in that part of theirs. Windows are
    drawn until a segment has ``trunc_thresh`` of its length inside, the
    window being longer by ``FeatureGrid.offset`` at both ends; the last one
    is taken after ``max_tries``, or at once without segments. Segments
    inside are cut to the window and shifted, the others are dropped. A
    window that is the whole video leaves all segments as they are.

    Random numbers are NumPy's global ones, which mmengine seeds for each
    worker.

    Required keys: feats, feat_stride, num_frames, fps.
    Modified keys: feats, segments (on the grid), labels.

    Args:
        max_seq_len (int): Most features.
        trunc_thresh (float): Part of a segment's length, in (0, 1].
        crop_ratio (Sequence[float], optional): Smallest and largest part of
            a video that is not longer than ``max_seq_len``, rounded half to
            even. Defaults to None.
        max_tries (int): Most windows to draw. Defaults to 200.
    """

    def __init__(self,
                 max_seq_len: int,
                 trunc_thresh: float,
                 crop_ratio: Optional[Sequence[float]] = None,
                 max_tries: int = 200) -> None:
        if max_seq_len < 1 or max_tries < 1:
            raise ValueError('max_seq_len and max_tries must be at least 1, '
                             f'got {max_seq_len} and {max_tries}.')
        if crop_ratio is not None and not (
                len(crop_ratio) == 2
                and 0 < crop_ratio[0] <= crop_ratio[1] <= 1):
            raise ValueError('crop_ratio must be two numbers, 0 < low <= '
                             f'high <= 1, got {crop_ratio}.')
        self.max_seq_len = max_seq_len
        self.trunc_thresh = _check_thresh(trunc_thresh)
        self.crop_ratio = crop_ratio
        self.max_tries = max_tries

    def transform(self, results: dict) -> dict:
        """Crop."""
        length = results['feats'].shape[0]
        size = self._crop_len(length)
        if size == length:
            return results
        offset = _grid(results).offset
        for _ in range(self.max_tries):
            start = np.random.randint(0, length - size + 1)
            segments, ratios = cut_segments(results['segments'],
                                            start - offset,
                                            start + size + offset)
            kept = ratios >= self.trunc_thresh
            if kept.any() or not len(kept):
                break
        results['feats'] = results['feats'][start:start + size]
        results['segments'] = segments[kept] - np.float32(start)
        results['labels'] = results['labels'][kept]
        return results

    def _crop_len(self, length: int) -> int:
        if length > self.max_seq_len:
            return self.max_seq_len
        if self.crop_ratio is None:
            return length
        low, high = (round(ratio * length) for ratio in self.crop_ratio)
        return np.random.randint(max(low, 1), max(high, 1) + 1)

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(max_seq_len={self.max_seq_len}, '
                f'trunc_thresh={self.trunc_thresh}, '
                f'crop_ratio={self.crop_ratio}, max_tries={self.max_tries})')


def _grid(results: dict) -> FeatureGrid:
    return FeatureGrid(results['fps'], results['feat_stride'],
                       results['num_frames'])


def _check_thresh(trunc_thresh: float) -> float:
    if not 0 < trunc_thresh <= 1:
        raise ValueError(f'trunc_thresh must be in (0, 1], got '
                         f'{trunc_thresh}.')
    return trunc_thresh
