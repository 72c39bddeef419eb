# Copyright (c) mmevad authors. All rights reserved.
"""One model against its plain version: time, memory, share of the floor.

The floor is the time that the multiply-adds of the plain version's linear
layers, convolutions and matrix products (attention included) take at the rate
of a product of two 4096 x 4096 matrices, which takes turns with the models.
Element-wise operations, norms, softmax and RoIAlign are not in.
"""
import argparse
from typing import Callable, ContextManager, Dict, Optional, Sequence

import torch
from benchmarks import machine
from benchmarks.measure import Memory, median_times, memory_of
from benchmarks.products import product_times
from torch.utils.flop_counter import FlopCounterMode

Functions = Dict[str, Callable[[], object]]
SIDES = ('ours', 'plain')
HEAD = (f'{"":<34}{"ours":>11}{"plain":>11}{"ratio":>7}{"floor":>11}'
        f'{"reached":>9}{"ours":>12}{"plain":>12}{"ratio":>7}')


class Case:
    """What is measured; the attributes of subclasses are picklable.

    Args:
        device (str): ``'cpu'`` or ``'cuda'``.
        dtype (str): One of :data:`machine.DTYPES`.
    """

    def __init__(self, device: str, dtype: str) -> None:
        self.device, self.dtype = device, dtype

    def autocast(self) -> ContextManager:
        """What forward passes run in."""
        return machine.use(self.device, self.dtype)

    def functions(self) -> Functions:
        """``'ours'`` and then ``'plain'``, which do the same; without
        ``'plain'`` where it would take too much."""
        raise NotImplementedError


def build_side(case: Case, side: str) -> Callable[[], object]:
    """For :func:`memory_of`."""
    return case.functions()[side]


def multiply_adds(function: Callable[[], object]) -> int:
    """Of linear layers, convolutions and matrix products of one call."""
    counter = FlopCounterMode(display=False)
    with counter:
        function()
    return counter.get_total_flops() // 2


def compare(name: str, case: Case, args: argparse.Namespace, **fields) -> Dict:
    """Measure a case, print its line and return its row.

    Returns:
        dict: ``fields``, ``case``, ``dtype``; ``ours_s``, ``plain_s``,
        ``ratio``; ``gmacs`` (1e9 multiply-adds), ``rate`` (1e9 operations
        per second of the machine), ``floor_s``, ``reached`` (floor over
        ours); MiB ``ours_mib``, ``plain_mib`` (with all that is held),
        ``ours_extra_mib``, ``plain_extra_mib`` (of the call); of a forward
        pass ``products``, see :func:`product_times`. None stands for what
        needs a plain side where there is none.
    """
    sides = case.functions()
    product = machine.matrix_product(case.device, case.dtype)
    ours, *plain, seconds = median_times(
        [*sides.values(), product], args.repeats, case.device,
        3 if case.device.startswith('cuda') else 1, machine.clock(args))
    rate = machine.rate(seconds)
    macs = floor = None
    if plain:  # ours has products that the counter does not know
        macs = multiply_adds(sides['plain']) / 1e9
        floor = 2 * macs / rate
    row = dict(
        fields,
        case=name,
        dtype=case.dtype,
        ours_s=ours,
        plain_s=plain[0] if plain else None,
        ratio=plain[0] / ours if plain else None,
        gmacs=macs,
        rate=rate,
        floor_s=floor,
        reached=floor and floor / ours)
    if not getattr(args, 'train', False):
        with case.autocast():
            row['products'] = product_times(sides['ours'], args)
    measured = list(sides)
    del sides, product
    row.update(memory_fields(case, args, measured))
    print_row(row)
    return row


def memory_fields(case: Case,
                  args: argparse.Namespace,
                  sides: Sequence[str] = SIDES) -> Dict:
    """Peak memory of the sides, None with ``--no-memory``."""
    row = {}
    for side in SIDES + tuple(set(sides) - set(SIDES)):
        memory: Optional[Memory] = None
        if side in sides and not args.no_memory:
            memory = memory_of(
                build_side,
                case,
                side,
                device=case.device,
                threads=args.threads)
        row[f'{side}_mib'] = memory and memory.total
        row[f'{side}_extra_mib'] = memory and memory.extra
    return row


def text(value: Optional[float], form: str, unit: str = '') -> str:
    """A number, ``-`` where there is none."""
    return '-' if value is None else f'{value:{form}}{unit}'


def print_row(row: Dict) -> None:
    """Time, share of the floor and memory of the call."""
    times = [
        row[key] and row[key] * 1e3 for key in ('ours_s', 'plain_s', 'floor_s')
    ]
    ours, plain = row['ours_extra_mib'], row['plain_extra_mib']
    ratio = plain / max(ours, 1) if ours and plain else None
    print(
        f'{row["case"]:<34}{text(times[0], ".1f", " ms"):>11}'
        f'{text(times[1], ".1f", " ms"):>11}{text(row["ratio"], ".2f"):>7}'
        f'{text(times[2], ".1f", " ms"):>11}{text(row["reached"], ".0%"):>9}'
        f'{text(ours, ".0f", " MiB"):>12}{text(plain, ".0f", " MiB"):>12}'
        f'{text(ratio, ".2f"):>7}',
        flush=True)


def start(args: argparse.Namespace) -> None:
    """Say what the machine is and can do."""
    machine.use(args.device, args.dtype[0])
    found = machine.describe(args.device)
    speeds = machine.rates(args)
    print(', '.join(f'{key} {value}' for key, value in found.items()))
    print('4096 x 4096 matrix product: ' +
          ', '.join(f'{speed:.0f} GFLOP/s {dtype}'
                    for dtype, speed in speeds.items()))
    print('memory: peak of one call above what was held before')
    print(HEAD, flush=True)


def training_step(loss: Callable[[], Dict[str, torch.Tensor]],
                  optimizer: torch.optim.Optimizer,
                  autocast: ContextManager) -> Callable[[], None]:
    """Forward, backward, update."""

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            total = sum(loss().values())
        total.backward()
        optimizer.step()

    return step
