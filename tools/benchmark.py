# Copyright (c) mmevad authors. All rights reserved.
"""Time and memory of one part against its plain version, in one run.

Each subcommand is a file in ``benchmarks/`` with a docstring,
``add_arguments(parser)`` and ``run(args)``, which prints a table and returns
its rows.
"""
import argparse
import importlib
import sys
from pathlib import Path
from typing import Dict, List, Optional

import mmevad  # noqa: F401  isort: skip
import torch

COMMANDS = ('nms', )


def main(argv: Optional[List[str]] = None) -> List[Dict]:
    folder = str(Path(__file__).resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    modules = {}
    for name in COMMANDS:
        modules[name] = importlib.import_module(f'benchmarks.{name}')
        text = modules[name].__doc__
        command = commands.add_parser(
            name, help=text.splitlines()[0], description=text)
        command.add_argument(
            '--threads', type=int, default=1, help='of PyTorch; 1 by default')
        command.add_argument(
            '--repeats',
            type=int,
            default=5,
            help='timed runs, of which the median counts; 5 by default')
        modules[name].add_arguments(command)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    return modules[args.command].run(args)


if __name__ == '__main__':
    main()
