# Copyright (c) mmevad authors. All rights reserved.
"""Attention with the importance of tokens against the map as a whole.

``attend_and_score`` gives both; the extra time and rate are those above fused
attention alone. The floor of the extra time is one more product Q K^T. The
share is that of the extra time in a pruning block of that width.
"""
import argparse
import math
from functools import partial
from typing import Dict, List, Tuple

import mmevad  # noqa: F401  isort: skip
import torch
import torch.nn.functional as F
from benchmarks import machine, plot
from benchmarks.compare import Case, Functions, memory_fields, text
from benchmarks.measure import median_times
from torch import Tensor

from mmevad.models.evad.token_pruning import attend_and_score
from mmevad.models.evad.transformer import Block

SIZES = (1568, 2592, 4608, 8192, 12288, 20000)
SIDES = ('ours', 'fused', 'plain')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tokens of ViT-B from clips of 224 (1568) and 288 (2592) on."""
    machine.add_arguments(parser, SIZES, 'N, tokens')
    parser.add_argument('--heads', type=int, default=12)
    parser.add_argument('--head-dim', type=int, default=64)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument(
        '--max-map-gib',
        type=float,
        default=4.,
        help='leave the map out where it takes more; 4 by default')


def map_attention(q: Tensor, k: Tensor, v: Tensor,
                  scale: float) -> Tuple[Tensor, Tensor]:
    """Output (B, heads, N, d) and importance (B, N), from the map."""
    weights = (q * scale @ k.transpose(2, 3)).softmax(-1)
    return weights @ v, weights.mean(1).mean(1)


class ImportanceCase(Case):
    """One number of tokens."""

    def __init__(self, args: argparse.Namespace, dtype: str,
                 size: int) -> None:
        super().__init__(args.device, dtype)
        self.shape = (args.batch, args.heads, size, args.head_dim)

    @property
    def map_gib(self) -> float:
        """GiB of the map."""
        batch, heads, size, _ = self.shape
        width = machine.DTYPES[self.dtype].itemsize
        return batch * heads * size**2 * width / 2**30

    def tensors(self) -> Tuple[Tensor, ...]:
        """q, k and v with logits of a spread as of trained models."""
        torch.manual_seed(0)
        dtype = machine.DTYPES[self.dtype]
        q, k, v = torch.randn(3, *self.shape, device=self.device)
        return (q * 1.5).to(dtype), k.to(dtype), v.to(dtype)

    def functions(self) -> Functions:
        machine.use(self.device, self.dtype)
        q, k, v = self.tensors()
        scale = self.shape[3]**-0.5

        def call(function):

            def run():
                with torch.no_grad():
                    return function(q, k, v, scale=scale)

            return run

        return dict(
            ours=call(attend_and_score),
            fused=call(F.scaled_dot_product_attention),
            plain=call(map_attention))

    def block(self):
        """A whole block that scores its tokens."""
        batch, heads, size, dim = self.shape
        block = Block(heads * dim, heads).to(self.device).eval()
        x = torch.randn(batch, size, heads * dim, device=self.device)
        autocast = self.autocast()

        def score(q, k, v, scale, key_mask):
            return attend_and_score(q, k, v, scale, key_mask=key_mask)

        def run():
            with torch.no_grad(), autocast:
                return block.feed_forward(block.attend(x, None, score)[0])

        return run


def run(args: argparse.Namespace) -> List[Dict]:
    """Measure, print and return one row per dtype and N.

    Returns:
        list[dict]: ``tokens``, ``dtype``; ``ours_s``, ``fused_s``,
        ``plain_s``, ``block_s``; ``extra_s`` (ours less fused), ``share``
        (of the block), ``extra_rate`` (1e9 operations of Q K^T per extra
        second) and ``rate`` (the machine's); ``*_mib`` and ``*_extra_mib``
        as of :func:`compare`; ``max_error`` of the importance, relative,
        and ``agree``, the share of the same tokens at a keep rate of 0.7.
        What needs the map is None where it is left out.
    """
    machine.use(args.device, args.dtype[0])
    print(', '.join(f'{key} {value}'
                    for key, value in machine.describe(args.device).items()))
    print(f'{"":<14}{"ours":>11}{"fused":>11}{"map":>11}{"of block":>9}'
          f'{"extra rate":>12}{"of limit":>9}{"ours":>10}{"fused":>10}'
          f'{"map":>10}{"same":>8}')
    rows = []
    for dtype in args.dtype:
        for size in args.sizes:
            rows.append(_row(ImportanceCase(args, dtype, size), args))
            _print(rows[-1])
        _print_growth([row for row in rows if row['dtype'] == dtype])
    if args.plot:
        plot.save(
            args.plot, 'tokens', [row['tokens'] for row in rows],
            dict(
                seconds=plot.curves(rows, 's', SIDES),
                MiB=plot.curves(rows, 'extra_mib', SIDES)))
    return rows


def _row(case: ImportanceCase, args: argparse.Namespace) -> Dict:
    whole = case.map_gib <= args.max_map_gib
    functions = case.functions()
    calls = [functions['ours'], functions['fused'], case.block()]
    if whole:
        calls.append(functions['plain'])
    calls.append(machine.matrix_product(case.device, case.dtype))
    times = median_times(calls, args.repeats, case.device, 2,
                         machine.clock(args))
    batch, heads, size, dim = case.shape
    extra = times[0] - times[1]
    row = dict(
        tokens=size,
        dtype=case.dtype,
        ours_s=times[0],
        fused_s=times[1],
        block_s=times[2],
        plain_s=times[3] if whole else None,
        extra_s=extra,
        share=extra / times[2],
        # without extra time there is no rate
        extra_rate=2 * batch * heads * size**2 * dim / extra /
        1e9 if extra > 0 else None,
        rate=machine.rate(times[-1]),
        **_agreement(functions, whole))
    del functions, calls
    sides = SIDES if whole else SIDES[:2]
    row.update(memory_fields(case, args, sides))
    return row


def _agreement(functions: Functions, whole: bool) -> Dict:
    if not whole:
        return dict(max_error=None, agree=None)
    ours, plain = (functions[side]()[1].float() for side in ('ours', 'plain'))
    keep = math.ceil(0.7 * ours.size(1))
    kept = [
        torch.zeros_like(x).scatter(1,
                                    x.topk(keep).indices, 1)
        for x in (ours, plain)
    ]
    return dict(
        max_error=float(((ours - plain).abs() / plain).max()),
        agree=float((kept[0] * kept[1]).sum() / kept[1].sum()))


def _print(row: Dict) -> None:
    rate, limit = row['extra_rate'], row['rate']
    reached = None if rate is None else rate / limit
    columns = [f'{row["tokens"]:>8} {row["dtype"]:<5}']
    columns += [
        f'{text(value, form, unit):>{width}}' for value, form, unit, width in
        [(row[f'{side}_s'] and row[f'{side}_s'] * 1e3, '.1f', ' ms', 11)
         for side in SIDES] +
        [(row['share'], '.1%', '', 9), (rate, '.0f', ' G/s',
                                        12), (reached, '.0%', '', 9)] +
        [(row[f'{side}_extra_mib'], '.0f', ' MiB', 10)
         for side in SIDES] + [(row['agree'], '.2%', '', 8)]
    ]
    print(''.join(columns), flush=True)


def _print_growth(rows: List[Dict]) -> None:
    """Exponent of the growth from the least to the greatest N."""
    if len(rows) < 2 or rows[0]['ours_extra_mib'] is None:
        return
    least, most = (
        pick(rows, key=lambda row: row['tokens']) for pick in (min, max))
    power = partial(_power, least, most)
    print(f'{rows[0]["dtype"]}: from N = {least["tokens"]} to '
          f'{most["tokens"]} memory grows as N^{power("ours_extra_mib"):.2f}, '
          f'time as N^{power("ours_s"):.2f}')


def _power(least: Dict, most: Dict, key: str) -> float:
    return (math.log(most[key] / least[key]) /
            math.log(most['tokens'] / least['tokens']))
