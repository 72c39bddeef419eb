# Copyright (c) mmevad authors. All rights reserved.
"""How far the outputs of an exported model are from the model's own."""
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from mmevad.utils.errors import DataError


class Difference(NamedTuple):
    """Of one output.

    Attributes:
        name (str): Of the output.
        absolute (float): Largest difference; of integers and booleans the
            number of those that differ.
        relative (float): The same, divided by the largest magnitude of what
            is expected; of integers and booleans the share that differs.
    """
    name: str
    absolute: float
    relative: float


def compare(names: Sequence[str], expected: Sequence[Tensor],
            outputs: Sequence[Tensor]) -> List[Difference]:
    """Compare output by output.

    Raises:
        DataError: If an output is of another shape, or not finite where it
            should be.
    """
    rows = []
    for name, want, got in zip(names, expected, outputs):
        if want.shape != got.shape:
            raise DataError(f'{name} is of shape {tuple(got.shape)} instead '
                            f'of {tuple(want.shape)}.')
        if not want.is_floating_point():
            wrong = (want != got).float()
            rows.append(
                Difference(name,
                           wrong.sum().item(),
                           wrong.mean().item()))
            continue
        error = (want.double() - got.double()).abs().max().item()
        if not error < float('inf'):
            raise DataError(f'{name} is NaN or infinite.')
        size = want.double().abs().max().item()
        rows.append(Difference(name, error, error / max(size, 1e-12)))
    return rows


def worst(differences: Sequence[Difference]) -> float:
    """The largest relative difference."""
    return max(row.relative for row in differences)


def open_onnx(path: str, threads: Optional[int] = None):
    """An ONNX file in onnxruntime, on the CPU.

    Args:
        path (str): The file.
        threads (int, optional): Defaults to None: as many as torch uses.

    Raises:
        DataError: If onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise DataError('Running ONNX needs onnxruntime, which is not '
                        'installed: pip install onnxruntime.') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(
        path, options, providers=['CPUExecutionProvider'])


def run_onnx(session, inputs: Sequence[Tensor]) -> Dict[str, Tensor]:
    """Outputs by name, of inputs in the order of the file."""
    names = [value.name for value in session.get_outputs()]
    feed = {
        value.name: np.ascontiguousarray(tensor.numpy())
        for value, tensor in zip(session.get_inputs(), inputs)
    }
    return dict(zip(names, map(torch.from_numpy, session.run(names, feed))))
