# Copyright (c) mmevad authors. All rights reserved.
"""The machine: what it is, what it can do at most, how it is asked."""
import argparse
import os
import platform
import time
from contextlib import nullcontext
from typing import Callable, ContextManager, Dict, Optional, Sequence

import torch
from benchmarks.measure import median_times

DTYPES = dict(
    fp32=torch.float32,
    tf32=torch.float32,
    bf16=torch.bfloat16,
    fp16=torch.float16)
#: side of the square matrices whose product tells the machine's rate
SIDE = 4096


def add_arguments(parser: argparse.ArgumentParser, sizes: Sequence[int],
                  size_help: str) -> None:
    """What all commands about models take."""
    parser.set_defaults(threads=torch.get_num_threads())
    parser.add_argument(
        '--sizes', type=int, nargs='+', default=list(sizes), help=size_help)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument(
        '--dtype',
        nargs='+',
        choices=DTYPES,
        default=['fp32'],
        help='of the matrix products; bf16 and fp16 by autocast')
    parser.add_argument(
        '--no-memory',
        action='store_true',
        help='leave out peak memory, for which each side needs a new process '
        'on the CPU')
    add_cpu_time(parser)
    parser.add_argument('--plot', help='image file for cost against size')


def add_cpu_time(parser: argparse.ArgumentParser) -> None:
    """What :func:`clock` reads."""
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help='seconds of the processor, not of the clock: for a busy '
        'machine, with --threads 1')


def clock(args: argparse.Namespace) -> Callable[[], float]:
    """What time is taken from."""
    return time.process_time if args.cpu_time else time.perf_counter


def use(device: str, dtype: str) -> ContextManager:
    """Autocast to run in; sets TF32.

    Raises:
        SystemExit: If there is no such GPU.
    """
    if device.startswith('cuda') and not torch.cuda.is_available():
        raise SystemExit('--device cuda: PyTorch sees no GPU here; use '
                         '--device cpu.')
    torch.backends.cuda.matmul.allow_tf32 = dtype == 'tf32'
    torch.backends.cudnn.allow_tf32 = dtype == 'tf32'
    if DTYPES[dtype] is torch.float32:
        return nullcontext()
    return torch.autocast(torch.device(device).type, DTYPES[dtype])


def matrix_product(device: str, dtype: str) -> Callable[[], object]:
    """The product of two square matrices."""
    left, right = torch.randn(2, SIDE, SIDE, device=device)
    left, right = left.to(DTYPES[dtype]), right.to(DTYPES[dtype])
    return lambda: left @ right


def rate(seconds: float) -> float:
    """Operations per second of :func:`matrix_product`, in 1e9."""
    return 2 * SIDE**3 / seconds / 1e9


def describe(device: str = 'cpu') -> Dict:
    """What the results were taken on."""
    use(device, 'fp32')
    machine = dict(
        processor=_processor(),
        cores=os.cpu_count(),
        threads=torch.get_num_threads(),
        load=os.getloadavg()[0] if hasattr(os, 'getloadavg') else None,
        python=platform.python_version(),
        torch=torch.__version__)
    if device.startswith('cuda'):
        machine['gpu'] = torch.cuda.get_device_name(device)
    return machine


def rates(args: argparse.Namespace, repeats: int = 3) -> Dict[str, float]:
    """1e9 operations per second of a matrix product by dtype."""
    device = args.device
    result = {}
    for dtype in ('fp32', 'bf16'):
        use(device, dtype)
        seconds, = median_times([matrix_product(device, dtype)],
                                repeats,
                                device,
                                clock=clock(args))
        result[dtype] = rate(seconds)
    return result


def _processor() -> Optional[str]:
    try:
        with open('/proc/cpuinfo') as file:
            names = [line for line in file if line.startswith('model name')]
    except OSError:
        return platform.processor()
    return names[0].split(':', 1)[1].strip() if names else None
