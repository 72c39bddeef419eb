# Copyright (c) mmevad authors. All rights reserved.
"""Train a model: ``python tools/train.py CONFIG``."""
import argparse
import sys

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
from mmengine.config import Config

from mmevad.utils.failures import explained
from mmevad.utils.launch import (add_common_arguments, build_runner,
                                 check_checkpoints, load_config, require_file)
from mmevad.utils.resume import latest_checkpoint


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='checkpoint to go on from; without a value, the latest complete '
        'one in the work directory, if there is any')
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--no-validate',
        action='store_true',
        help='do not evaluate during training')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the actual batch size')
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument(
        '--diff-rank-seed',
        action='store_true',
        help='give each process a seed of its own')
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='use deterministic algorithms, which may be slower')
    add_common_arguments(parser)
    return parser.parse_args()


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    """Merge what only training knows into the config."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
            sys.exit(f'--amp does not work with optim_wrapper {wrapper!r}; '
                     'set optim_wrapper.type="AmpOptimWrapper" in the config.')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume is not None:
        found = args.resume
        if found == 'auto':
            found = latest_checkpoint(cfg.work_dir)
        else:
            require_file(found, 'checkpoint')
        if found is not None:  # otherwise training begins
            cfg.resume, cfg.load_from = True, found
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr'):
            sys.exit(f'--auto-scale-lr needs auto_scale_lr.base_batch_size in '
                     f'{args.config}.')
        cfg.auto_scale_lr.enable = True
    given = dict(
        seed=args.seed,
        diff_rank_seed=args.diff_rank_seed or None,
        deterministic=args.deterministic or None)
    given = {key: value for key, value in given.items() if value is not None}
    chosen = cfg.get('randomness') or dict(seed=None)
    cfg.randomness = {**chosen, **given}


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    with explained(cfg.work_dir, resume=True):
        merge_args(cfg, args)
        check_checkpoints(cfg, partial=True)
        build_runner(cfg).train()


if __name__ == '__main__':
    main()
