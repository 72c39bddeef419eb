# Copyright (c) mmevad authors. All rights reserved.
"""How many tokens each clip of a batch keeps.

EVAD (arXiv 2304.08451), Sec. 3.2.
"""
import math
from typing import List, Optional, Sequence, Tuple


def num_kept(keep_rate: float, num_tokens: int, num_protected: int) -> int:
    """Number of unprotected tokens that a pruning block keeps.

    Args:
        keep_rate (float): rho, the share of all tokens that is kept.
        num_tokens (int): N, tokens that enter the block.
        num_protected (int): N1, tokens that are never dropped (the
            keyframe's).

    Returns:
        int: ``ceil(rho * N) - N1``, at most ``N - N1``.

    Raises:
        ValueError: If ``ceil(rho * N)`` is less than ``N1``.
    """
    kept = math.ceil(keep_rate * num_tokens)
    if kept < num_protected:
        raise ValueError(
            f'keep rate rho={keep_rate} leaves {kept} of N={num_tokens} '
            f'tokens, which cuts into the N1={num_protected} keyframe '
            'tokens; use a larger rho or fewer pruning blocks')
    return min(kept, num_tokens) - num_protected


def keep_counts(rates: Sequence[float], counts: Sequence[int],
                protected: Sequence[int]) -> List[int]:
    """Unprotected tokens of each clip left after pruning by all ``rates``.

    Clips of a batch may differ, if padding does not count.

    Args:
        rates (list[float]): Keep rates, applied one after the other.
        counts (list[int]): Tokens of each clip before.
        protected (list[int]): Of these, tokens that are never dropped.
    """
    keep = []
    for total, kept in zip(counts, protected):
        for rate in rates:
            total = num_kept(rate, total, kept) + kept
        keep.append(total - kept)
    return keep


def prune_counts(
        rates: Sequence[float], counts: Sequence[int],
        protected: Sequence[int]) -> Tuple[Optional[List[int]], List[int]]:
    """What pruning by all ``rates`` keeps, and what it leaves.

    Args:
        rates, counts, protected: As in :func:`keep_counts`.

    Returns:
        tuple: Unprotected tokens of each clip to keep, None if nothing is
        dropped, and all tokens of each clip after.
    """
    keep = keep_counts(rates, counts, protected)
    left = [n + kept for n, kept in zip(keep, protected)]
    return (None if left == list(counts) else keep), left
