# Copyright (c) mmevad authors. All rights reserved.
"""Test a model: ``python tools/test.py CONFIG CHECKPOINT``."""
import argparse
import sys

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
from mmengine.config import Config

from mmevad.utils.failures import explained
from mmevad.utils.launch import (add_common_arguments, build_runner,
                                 check_checkpoints, load_config)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--dump',
        metavar='FILE.pkl',
        help='file to save predictions to: plain containers and numpy arrays, '
        'for tools/analysis/report.py --predictions and for '
        'Evaluator.offline_evaluate')
    parser.add_argument('--show-dir', help='folder to save pictures to')
    parser.add_argument(
        '--show', action='store_true', help='show pictures in a window')
    parser.add_argument(
        '--interval', type=int, default=1, help='one picture every N samples')
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds per picture')
    add_common_arguments(parser)
    return parser.parse_args()


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    """Merge what only testing knows into the config."""
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.show or args.show_dir is not None:
        hooks = cfg.get('default_hooks') or {}
        if 'visualization' not in hooks:
            sys.exit(f'--show and --show-dir need a visualization hook in '
                     f'default_hooks of {args.config}.')
        hooks.visualization.update(
            enable=True,
            show=args.show,
            wait_time=args.wait_time,
            out_dir=args.show_dir,
            interval=args.interval)
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            sys.exit(f'--dump {args.dump!r} must end in .pkl or .pickle.')
        evaluators = cfg.test_evaluator
        if not isinstance(evaluators, (list, tuple)):
            evaluators = [evaluators]
        dump = dict(type='DumpPredictions', out_file_path=args.dump)
        cfg.test_evaluator = [*evaluators, dump]


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    merge_args(cfg, args)
    check_checkpoints(cfg, partial=False)
    with explained(cfg.work_dir):
        build_runner(cfg).test()


if __name__ == '__main__':
    main()
