# Copyright (c) mmevad authors. All rights reserved.
"""Where the time of a forward pass goes."""
import statistics
from typing import Callable, Dict, List

import torch
from benchmarks.measure import synchronize
from torch import nn


class _Clock:
    """Points in time: of the device, which is not waited for."""

    def __init__(self, device: str, host: Callable[[], float]) -> None:
        self.cuda, self.host = device.startswith('cuda'), host

    def now(self):
        if not self.cuda:
            return self.host()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, begin, end) -> float:
        return begin.elapsed_time(end) / 1e3 if self.cuda else end - begin


def _is_roi(module: nn.Module) -> bool:
    name = type(module).__name__
    return 'RoI' in name or name in ('PyramidPool', 'SlicePool')


def part_times(model: nn.Module, inputs: torch.Tensor, repeats: int,
               device: str, host: Callable[[], float]) -> Dict[str, float]:
    """Median seconds of the children of a model, and of all RoI pooling.

    Args:
        model (nn.Module): Run as ``model(inputs)``.
        inputs (Tensor): Of the model.
        repeats (int): Timed calls, after one to warm up.
        device (str): Of the model.
        host (callable): Clock of the CPU, where that is the device.

    Returns:
        dict: Seconds by name of the child; ``'roi'``, which is part of the
        others, where there are such modules; ``'total'``.
    """
    clock = _Clock(device, host)
    spans: Dict[str, List] = {}
    handles, depth = [], [0]

    def watch(module: nn.Module, name: str, nested: bool) -> None:
        begins: List = []

        def before(*_) -> None:
            depth[0] += nested
            begins.append(clock.now())

        def after(*_) -> None:
            depth[0] -= nested
            span = (begins.pop(), clock.now())
            if not nested or depth[0] == 0:
                spans.setdefault(name, []).append(span)

        handles.append(module.register_forward_pre_hook(before))
        handles.append(module.register_forward_hook(after))

    for name, child in model.named_children():
        watch(child, name, False)
    for module in model.modules():
        if _is_roi(module):
            watch(module, 'roi', True)
    watch(model, 'total', False)
    times: List[Dict[str, float]] = []
    try:
        for turn in range(repeats + 1):
            spans.clear()
            model(inputs)
            synchronize(device)
            if turn:
                times.append({
                    name: sum(clock.seconds(*span) for span in found)
                    for name, found in spans.items()
                })
    finally:
        for handle in handles:
            handle.remove()
    return {
        name: statistics.median(seen[name] for seen in times)
        for name in times[0]
    }


def print_parts(rows: List[Dict]) -> None:
    """Table of ``parts`` of the rows: seconds and share."""
    print('parts of the time (roi is inside of the two heads)')
    for row in rows:
        for side, parts in row['parts'].items():
            total = parts['total']
            text = ''.join(f'{name:>17} {seconds * 1e3:.0f} ms '
                           f'{seconds / total:.0%}'
                           for name, seconds in parts.items()
                           if name != 'total')
            print(f'{row["case"]} {side:<6}{text}')
