# Copyright (c) mmevad authors. All rights reserved.
"""What the matrix products of a model take alone, in their own shapes.

A product of two large square matrices is faster than those of a model: theirs
are narrow, and a new piece of memory waits for each result. So their own time
is a tighter floor than the machine's rate, and what is left above it is norms,
activations, softmax, copies, pooling and Python.
"""
import argparse
from typing import Any, Callable, Dict, List, Set, Tuple

import torch
from benchmarks import machine
from benchmarks.measure import median_times
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

LINEAR = ('addmm', 'addmm_', 'mm', 'bmm', 'baddbmm', 'convolution')
ATTENTION = ('_scaled_dot_product_flash_attention_for_cpu',
             '_scaled_dot_product_flash_attention',
             '_scaled_dot_product_efficient_attention')
IMPORTANCE = ('attend_and_sum', 'column_sums')
KINDS = dict(linear=LINEAR, attention=ATTENTION, importance=IMPORTANCE)
Call = Tuple[str, Callable, tuple, dict]


class Products(TorchDispatchMode):
    """Records calls of matrix products, with weights as they are and
    what was computed replaced by noise of the same shape and layout."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: List[Call] = []
        self.kinds = {name: kind for kind in KINDS for name in KINDS[kind]}
        self.computed: Set[int] = set()
        self.noise: Dict[tuple, Tensor] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Any:
        kwargs = kwargs or {}
        kind = self.kinds.get(func.overloadpacket.__name__)
        if kind is not None:
            stand_ins = tree_map(self._stand_in, (args, kwargs))
            self.calls.append((kind, func, *stand_ins))
        result = func(*args, **kwargs)
        self.computed |= _storages(result) - _storages((args, kwargs))
        return result

    def _stand_in(self, x: Any) -> Any:
        if not _storages(x) & self.computed:
            return x
        key = (x.shape, x.stride(), x.dtype)
        if key not in self.noise:
            noise = torch.empty_strided(
                x.shape, x.stride(), dtype=x.dtype, device=x.device)
            self.noise[key] = noise.normal_()
        return self.noise[key]


def _storages(tree: Any) -> Set[int]:
    return {
        x.untyped_storage().data_ptr()
        for x in tree_leaves(tree) if isinstance(x, Tensor)
    }


def replays(run: Callable[[], object]) -> Dict[str, Callable[[], None]]:
    """Functions that repeat the matrix products of ``run()`` alone.

    Args:
        run (callable): A forward pass.

    Returns:
        dict: ``'linear'`` (linear layers, convolutions and other products),
        ``'attention'`` (fused) and ``'importance'`` (fused attention or its
        sums, where tokens are scored), of those that occur.
    """
    with Products() as seen:
        run()

    def replay(kind: str) -> Callable[[], None]:
        calls = [call[1:] for call in seen.calls if call[0] == kind]

        def again() -> None:
            with torch.no_grad():
                for func, args, kwargs in calls:
                    func(*args, **kwargs)

        return again

    found = {call[0] for call in seen.calls}
    return {kind: replay(kind) for kind in KINDS if kind in found}


def product_times(run: Callable[[], object],
                  args: argparse.Namespace) -> Dict[str, float]:
    """Median seconds of :func:`replays` and of all of ``run()``, in turns.

    Returns:
        dict: Seconds by kind, and ``'total'``.
    """
    functions = dict(replays(run), total=run)
    return dict(
        zip(
            functions,
            median_times(
                list(functions.values()), args.repeats, args.device, 1,
                machine.clock(args))))


def print_products(rows: List[Dict]) -> None:
    """Table of ``products`` of the rows, in shares of the whole."""
    print('matrix products alone, in their own shapes')
    for row in rows:
        times = dict(row['products'])
        total = times.pop('total')
        times['together'] = sum(times.values())
        text = ''.join(f'{name:>14} {seconds * 1e3:.0f} ms '
                       f'{seconds / total:.0%}'
                       for name, seconds in times.items())
        print(f'{row["case"]} ours {total * 1e3:.0f} ms{text}')
