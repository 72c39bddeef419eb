# Copyright (c) mmevad authors. All rights reserved.
"""How far videos are padded.

After LN, padded frames hold its bias, and the next convolution carries it
into the last valid frames. So the released model's result depends on the
padded frames behind the video that a convolution reaches, at each level (one,
with kernels of three); it does not depend on those farther away. The functions
here keep the first and spare the others.
"""
from typing import Dict, List, Sequence, Tuple


def ceil_to(number: int, multiple: int) -> int:
    """The least multiple that is not less."""
    return -(-number // multiple) * multiple


def released_length(length: int, max_seq_len: int, divisor: int) -> int:
    """Frames that the released model pads a test video to.

    Args:
        length (int): Frames of the video.
        max_seq_len (int): Of the training sequences.
        divisor (int): What its attention wants the length to divide by.
    """
    return ceil_to(length, divisor) if length > max_seq_len else max_seq_len


def enough_padding(length: int, stride: int, reach: int = 1) -> int:
    """Frames that leave enough padded ones at each level.

    Args:
        length (int): Frames of the video.
        stride (int): Of the coarsest level.
        reach (int): Frames that the widest convolution sees on each side.
            Defaults to 1.
    """
    return ceil_to(length, stride) + reach * stride


def group_videos(lengths: Sequence[int],
                 max_seq_len: int,
                 divisor: int,
                 stride: int,
                 same_position: bool = False,
                 strict_mask: bool = False,
                 reach: int = 1) -> List[Tuple[List[int], int]]:
    """Test videos that can share a batch and still score as if alone.

    Args:
        lengths (list[int]): Frames of each video.
        max_seq_len (int): As in :func:`released_length`.
        divisor (int): As in :func:`released_length`.
        stride (int): Of the coarsest level.
        same_position (bool): Only videos of the same released length, whose
            absolute position is stretched alike. Defaults to False.
        strict_mask (bool): Padding does not matter. Defaults to False.
        reach (int): As in :func:`enough_padding`. Defaults to 1.

    Returns:
        list[tuple]: Indices of the videos of a group and the frames to pad
        them to.
    """
    groups: Dict[tuple, List[int]] = {}
    for i, length in enumerate(lengths):
        released = released_length(length, max_seq_len, divisor)
        enough = enough_padding(length, stride, reach)
        tight = not strict_mask and released < enough
        key = released if tight or same_position else None
        groups.setdefault((tight, key), []).append(i)
    result = []
    for (tight, key), members in groups.items():
        longest = max(lengths[i] for i in members)
        if tight:
            padded = key
        elif strict_mask:
            padded = ceil_to(longest, stride)
        else:
            padded = enough_padding(longest, stride, reach)
        result.append((members, padded))
    return result
