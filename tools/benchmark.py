# Copyright (c) mmevad authors. All rights reserved.
"""Time and memory of one part against its plain version, in one run.

Each subcommand is a file in ``benchmarks/`` with a docstring,
``add_arguments(parser)`` and ``run(args)``, which prints a table and returns
its rows.
"""
import argparse
import ast
import importlib
import sys
from pathlib import Path
from typing import Dict, List, Optional

import mmevad  # noqa: F401  isort: skip
import torch
from mmengine.fileio import dump

from mmevad.utils.memory import keep_freed_memory

FOLDER = Path(__file__).resolve().parent
COMMANDS = [
    name
    for name in ('evad', 'actionformer', 'nms', 'importance', 'data', 'metric')
    if (FOLDER / 'benchmarks' / f'{name}.py').exists()
]


def main(argv: Optional[List[str]] = None) -> List[Dict]:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    argv = sys.argv[1:] if argv is None else argv
    for name in COMMANDS:
        source = (FOLDER / 'benchmarks' / f'{name}.py').read_text()
        text = ast.get_docstring(ast.parse(source))
        command = commands.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            conflict_handler='resolve')
        if name not in argv[:1]:  # the others need not be imported
            continue
        command.add_argument(
            '--threads', type=int, default=1, help='of PyTorch; %(default)s')
        command.add_argument(
            '--repeats',
            type=int,
            default=5,
            help='timed runs, of which the median counts; %(default)s')
        command.add_argument(
            '--json', help='file for the rows and what they were taken on')
        command.add_argument(
            '--default-malloc',
            action='store_true',
            help='leave the C library as it is; by default both sides keep '
            'freed memory, as in tools/test.py')
        module = importlib.import_module(f'benchmarks.{name}')
        module.add_arguments(command)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    if not args.default_malloc:
        keep_freed_memory()
    machine = importlib.import_module('benchmarks.machine')
    result = dict(
        command=args.command,
        arguments={
            k: v
            for k, v in vars(args).items() if k != 'command'
        },
        machine=machine.describe(getattr(args, 'device', 'cpu')))
    result['rows'] = module.run(args)
    if args.json:
        dump(result, args.json)
    return result['rows']


if __name__ == '__main__':
    main()
