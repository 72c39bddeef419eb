# Copyright (c) mmevad authors. All rights reserved.
"""What ``demo/evad_demo.py`` and ``demo/tal_demo.py`` have in common."""
import argparse
import os.path as osp
from typing import Any, Callable, List, Sequence

from mmevad.utils.command_line import (add_debug_argument, positive,
                                       positive_number, share)
from mmevad.utils.errors import DataError, raise_data_errors
from .inputs import list_inputs


def add_common_arguments(parser: argparse.ArgumentParser, batch_size: int,
                         score_thr: float) -> None:
    """Arguments of both inferencers, with these defaults."""
    parser.add_argument(
        '--config',
        required=True,
        help='name in the zoo (mim search mmevad), or config file')
    parser.add_argument(
        '--weights', help='checkpoint file or URL; by default that of the zoo')
    parser.add_argument('--out-dir', default='outputs/demo')
    parser.add_argument(
        '--score-thr',
        type=share,
        default=score_thr,
        help='what has a lower score is left out '
        f'(default: {score_thr})')
    parser.add_argument(
        '--classes', nargs='+', metavar='NAME', help='show only these classes')
    parser.add_argument(
        '--fps',
        type=positive_number,
        help='frame rate, if the input does not know its own')
    parser.add_argument(
        '--camera-seconds',
        type=positive_number,
        default=10.,
        help='how long to record from a camera (default: 10)')
    parser.add_argument(
        '--batch-size',
        type=positive,
        default=batch_size,
        help=f'clips at a time (default: {batch_size})')
    parser.add_argument(
        '--device', help='default: cuda if there is any, else cpu')
    parser.add_argument(
        '--show', action='store_true', help='show the result in a window')
    add_debug_argument(parser)


def run_each(inferencer: Callable[..., dict],
             args: argparse.Namespace,
             endings: Sequence[str],
             features: bool = False,
             **kwargs: Any) -> List[dict]:
    """Run on every input; what is wrong with some stops no others.

    Args:
        inferencer (callable): :class:`EVADInferencer` or
            :class:`TALInferencer`.
        args (Namespace): Of :func:`add_common_arguments`, with ``inputs``
            and ``top_k``.
        endings (list[str]): Of the files that are written for an input.
        features (bool): Whether files of features are inputs, too. Defaults
            to False.
        **kwargs: More for the inferencer.

    Returns:
        list[dict]: Predictions of the inputs.

    Raises:
        DataError: At the end, about all inputs that cannot be used.
    """
    inputs = [
        int(x) if x.isdigit() and not osp.exists(x) else x for x in args.inputs
    ]
    predictions, problems = [], []
    for item in list_inputs(inputs, features):
        try:
            predictions += inferencer(
                item,
                args.batch_size,
                args.out_dir,
                args.show,
                print_result=True,
                top_k=args.top_k,
                score_thr=args.score_thr,
                classes=args.classes,
                fps=args.fps,
                camera_seconds=args.camera_seconds,
                **kwargs)['predictions']
        except DataError as error:
            if args.debug:
                raise
            problems.append(str(error))
            continue
        stem = osp.join(args.out_dir, item.name)
        print('Wrote ' + ', '.join(stem + ending for ending in endings))
    raise_data_errors(problems)
    return predictions
