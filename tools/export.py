# Copyright (c) mmevad authors. All rights reserved.
"""Write a model as a file that runs without mmevad.

    python tools/export.py evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb \
        demo/evad_synth_actors.pth --out evad.onnx --size 96 128 --check

Of EVAD all but resizing is inside, for clips of one size; of ActionFormer
all up to NMS, for features of any length. Inputs and outputs are described in
mmevad/export/evad.py and mmevad/export/actionformer.py, and in the file's
metadata; mmevad/export/outputs.py turns outputs into predictions.
"""
import argparse
from time import perf_counter
from typing import Callable, List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from mmengine.registry import init_default_scope

from mmevad.apis.model_loading import load_model
from mmevad.apis.model_zoo import find_model
from mmevad.export import (ActionFormerForExport, EVADForExport, compare,
                           open_onnx, run_onnx, to_program, worst, write_onnx,
                           write_program)
from mmevad.models.actionformer import ActionFormer
from mmevad.models.evad import EVAD
from mmevad.utils.command_line import add_debug_argument, positive, run_command
from mmevad.utils.errors import DataError

TOLERANCE = 1e-3  # of the largest magnitude of an output
FORMATS = ('onnx', 'torch-export')


def wrap(model: torch.nn.Module, args: argparse.Namespace) -> torch.nn.Module:
    """The model from tensors to tensors."""
    if isinstance(model, EVAD):
        if args.size is None:
            raise DataError('EVAD is exported for clips of one size: give '
                            '--size HEIGHT WIDTH, in pixels.')
        return EVADForExport(model, tuple(args.size), args.batch_size)
    if isinstance(model, ActionFormer):
        return ActionFormerForExport(model, args.batch_size)
    raise DataError('EVAD and ActionFormer can be exported, but the config is '
                    f'of {type(model).__name__}.')


def time_of(run: Callable, repeats: int = 5) -> float:
    """Shortest of a few runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return 1e3 * min(times)


def check(module: torch.nn.Module, args: argparse.Namespace) -> None:
    """Compare what was written with the model, on random inputs."""
    inputs = module.example(args.length) if args.length else module.example()
    if args.format == 'onnx':
        session = open_onnx(args.out)

        def exported() -> list:
            return list(run_onnx(session, inputs).values())
    else:
        program = torch.export.load(args.out).module()

        def exported() -> list:
            return program(*inputs)

    with torch.no_grad():
        rows = compare(module.output_names, module(*inputs), exported())
        for row in rows:
            print(f'{row.name}: differs by {row.absolute:.2g}, '
                  f'{row.relative:.2g} of the largest')
        print(f'model {time_of(lambda: module(*inputs)):.1f} ms, '
              f'{args.format} {time_of(exported):.1f} ms')
    if worst(rows) > TOLERANCE:
        raise DataError(f'{args.out} does not compute what the model does.')


def export(args: argparse.Namespace) -> None:
    cfg, weights = find_model(args.config, args.checkpoint)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model, _ = load_model(cfg.model, weights, torch.device('cpu'))
    module = wrap(model, args)
    program = to_program(module)
    if args.format == 'onnx':
        write_onnx(program, module, args.out, args.opset)
    else:
        write_program(program, args.out, module.metadata())
    print(f'Wrote {args.out}')
    if args.check:
        check(module, args)


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='file, or name in the zoo')
    parser.add_argument('checkpoint', help='file or URL')
    parser.add_argument('--out', required=True, help='file to write')
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument(
        '--size',
        nargs=2,
        type=positive,
        metavar=('HEIGHT', 'WIDTH'),
        help='EVAD: of the padded clips in pixels')
    parser.add_argument(
        '--length',
        type=positive,
        help='ActionFormer: features of the video that --check makes up')
    parser.add_argument('--batch-size', type=positive, default=1)
    parser.add_argument(
        '--opset', type=positive, help='ONNX: version of the operators')
    parser.add_argument(
        '--check',
        action='store_true',
        help='compare the file with the model, and time both')
    add_debug_argument(parser)
    run_command(export, parser.parse_args(argv))


if __name__ == '__main__':
    main()
