# Copyright (c) mmevad authors. All rights reserved.
"""What ``tools/train.py`` and ``tools/test.py`` have in common."""
import argparse
import os
import os.path as osp
import subprocess
import sys

import torch
from mmaction.registry import RUNNERS
from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from .checkpoint import CheckCheckpointHook
from .memory import keep_freed_memory


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments with the names and meanings that mmaction2 gives them."""
    parser.add_argument('--work-dir', help='folder for logs and checkpoints')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings of the config to override, as key=value; a list is '
        'key="[a,b]" or key=a,b, without spaces')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher')
    # torch.distributed.launch, which mim calls, passes one or the other
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def require_file(path: str, what: str) -> None:
    """Exit with one sentence if a local file does not exist.

    Args:
        path: A path, or a URL such as mmengine's loaders take.
        what: Name of the argument, for the sentence.
    """
    if '://' not in path and not osp.isfile(path):
        sys.exit(f'{what} {path!r} does not exist (looked in {os.getcwd()}).')


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and merge the common arguments into it."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    require_file(args.config, 'config')
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = osp.join('./work_dirs', name)
    return cfg


def check_checkpoints(cfg: Config, partial: bool) -> None:
    """Have checkpoints compared with the model before they are used."""
    if cfg.get('load_from'):
        require_file(cfg.load_from, 'checkpoint')
    hooks = list(cfg.get('custom_hooks') or [])
    hooks.append(dict(type=CheckCheckpointHook.__name__, partial=partial))
    cfg.custom_hooks = hooks


def use_cpu_processes(cfg: Config) -> None:
    """Let ``--launcher pytorch`` and ``slurm`` work without a GPU.

    mmengine's own set-up asks for a GPU per process, but leaves alone a
    process group that is there already.
    """
    if cfg.launcher == 'slurm':
        nodes = os.environ['SLURM_NODELIST']
        first = subprocess.check_output(
            ['scontrol', 'show', 'hostname', nodes]).decode().split()[0]
        os.environ.setdefault('MASTER_ADDR', first)
        os.environ.setdefault('MASTER_PORT', '29500')
        os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
        os.environ['RANK'] = os.environ['SLURM_PROCID']
        os.environ['LOCAL_RANK'] = os.environ['SLURM_LOCALID']
    torch.distributed.init_process_group('gloo')
    if cfg.get('model_wrapper_cfg') is None:
        # mmengine's default, but for the device
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            device_ids=None,
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False))


def build_runner(cfg: Config) -> Runner:
    """mmengine's runner, or the one that ``runner_type`` names."""
    if not torch.cuda.is_available():
        keep_freed_memory()
        if cfg.launcher in ('pytorch', 'slurm'):
            use_cpu_processes(cfg)
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return Runner.from_cfg(cfg)
