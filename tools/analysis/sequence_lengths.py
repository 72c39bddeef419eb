# Copyright (c) mmevad authors. All rights reserved.
"""Forward time and peak memory of an ActionFormer over the video's length.

Each length is one call in a process of its own, features and all.
"""
import argparse
import multiprocessing
import resource
import time

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmevad  # noqa: F401

LENGTHS = (50, 100, 500, 1000, 2304, 5000, 10000, 20000, 50000, 100000)


def peak_mib() -> float:
    """Most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@torch.no_grad()
def measure(path: str, length: int, repeats: int, queue) -> None:
    """Put seconds (best of ``repeats``) and MiB of a forward pass."""
    cfg = Config.fromfile(path)
    init_default_scope('mmaction')
    cfg.model.head.test_cfg.score_fusion = None
    model = MODELS.build(cfg.model).eval()
    channels = cfg.model.neck.in_channels
    if not isinstance(channels, int):
        channels = sum(channels)
    model([torch.zeros(channels, 50)])  # warm up
    before = peak_mib()
    feats = torch.randn(channels, length)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        model([feats])
        seconds.append(time.perf_counter() - start)
    queue.put((min(seconds), peak_mib() - before))


def main(args=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config')
    parser.add_argument('--lengths', type=int, nargs='+', default=LENGTHS)
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args(args)
    context = multiprocessing.get_context('spawn')
    print(f'{"T":>8} {"s":>9} {"s/1000":>9} {"MiB":>9} {"MiB/1000":>9}')
    for length in args.lengths:
        queue = context.Queue()
        process = context.Process(
            target=measure, args=(args.config, length, args.repeats, queue))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f'T={length} failed')
        seconds, memory = queue.get()
        print(
            f'{length:>8} {seconds:>9.3f} {1000 * seconds / length:>9.4f} '
            f'{memory:>9.0f} {1000 * memory / length:>9.1f}',
            flush=True)


if __name__ == '__main__':
    main()
