# Copyright (c) mmevad authors. All rights reserved.
"""What the commands that people type have in common."""
import argparse
import sys
from typing import Callable

from .errors import CheckpointError, DataError


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'expected a whole number from 1, got {text!r}')
    return int(text)


def positive_number(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(
            f'expected a number above 0, got {text!r}')
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(
            f'expected a number from 0 to 1, got {text!r}')
    return value


def add_debug_argument(parser: argparse.ArgumentParser) -> None:
    """``--debug``, for :func:`run_command`."""
    parser.add_argument(
        '--debug',
        action='store_true',
        help='show where in the code an error arose')


def run_command(run: Callable[[argparse.Namespace], None],
                args: argparse.Namespace) -> None:
    """Run, and exit with one sentence and code 1 if the input is bad.

    Args:
        run (callable): What to do.
        args (Namespace): For it; with ``debug`` errors are raised as they
            are.
    """
    try:
        run(args)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        if args.debug:
            raise
        sys.exit(f'error: {error}')
