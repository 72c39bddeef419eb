# Copyright (c) mmevad authors. All rights reserved.
"""A module -> ``torch.export`` program -> file."""
import io
import logging
import warnings
from contextlib import contextmanager
from typing import Dict, Iterator, Optional, Tuple

import torch
from mmengine.utils import digit_version
from torch import Tensor, nn

from mmevad.models.evad.importance import attend_and_sum
from mmevad.utils.atomic_file import atomic_file
from mmevad.utils.errors import DataError
from mmevad.utils.plain_operators import plain_operators

OLDEST_TORCH = '2.9'
# of the packages that talk while they export
LOGGERS = ('torch.onnx', 'onnxscript', 'onnx_ir')


def _plain_attend_and_sum(q: Tensor, k: Tensor, v: Tensor, scale: float,
                          weight: Optional[Tensor],
                          key_mask: Optional[Tensor]):
    """See ``importance._attend_and_sum``."""
    logits = (q * scale) @ k.mT
    if key_mask is not None:
        logits = logits.masked_fill(~key_mask[:, None, None], float('-inf'))
    attention = logits.softmax(-1)
    out = attention @ v
    if weight is not None:
        attention = attention * weight[:, None, :, None]
    return out, attention.sum((1, 2))


def _plain_embedding_bag(table: Tensor, rows: Tensor, firsts: Tensor,
                         *args) -> Tuple[Tensor, ...]:
    """Weighted sums of bags that are all of one size, as RoIAlign has them."""
    weights = args[3]
    bags = table[rows].unflatten(0, (len(firsts), -1))
    weights = weights.unflatten(0, (len(firsts), -1))
    unused = rows.new_empty(0)
    return (bags * weights[..., None]).sum(1), unused, unused, unused


# what only mmevad could run, and what is a loop over bags in ONNX
PLAIN = {
    attend_and_sum: _plain_attend_and_sum,
    torch.ops.aten.embedding_bag.padding_idx: _plain_embedding_bag
}


@contextmanager
def _any_size() -> Iterator[None]:
    """Do not make a special case of sizes that are 0 or 1."""
    from torch.fx.experimental import _config as config
    with config.patch(backed_size_oblivious=True):
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def too_old() -> Optional[str]:
    """Why this torch cannot export, None if it can."""
    if digit_version(torch.__version__) >= digit_version(OLDEST_TORCH):
        return None
    return (f'Exporting needs torch {OLDEST_TORCH} or later, but this is '
            f'{torch.__version__}.')


def to_program(module: nn.Module) -> 'torch.export.ExportedProgram':
    """Trace a module; the program needs nothing but torch to run.

    Args:
        module (nn.Module): :class:`EVADForExport` or
            :class:`ActionFormerForExport`, on the CPU, float32.

    Raises:
        DataError: If torch is too old.
    """
    if too_old():
        raise DataError(too_old())
    with torch.no_grad(), plain_operators(), _any_size(), _quiet():
        program = torch.export.export(
            module.eval(),
            module.example(),
            dynamic_shapes=module.dynamic_shapes(),
            strict=False,
            # that lengths match is easier tested than proven
            prefer_deferred_runtime_asserts_over_guards=True)
        return program.run_decompositions(PLAIN)


def write_program(program: 'torch.export.ExportedProgram', path: str,
                  metadata: Dict[str, str]) -> None:
    """Write a .pt2 file, for ``torch.export.load``.

    Args:
        program (ExportedProgram): See :func:`to_program`.
        path (str): File to write, complete or not at all.
        metadata (dict[str, str]): Goes into the file as ``extra_files``.
    """
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files=metadata)
    with atomic_file(path) as file:
        file.write(buffer.getvalue())


def write_onnx(program: 'torch.export.ExportedProgram',
               module: nn.Module,
               path: str,
               opset: Optional[int] = None) -> None:
    """Write an ONNX file with standard operators only.

    Args:
        program (ExportedProgram): See :func:`to_program`.
        module (nn.Module): That it was made of; its names and metadata go
            into the file.
        path (str): File to write, complete or not at all.
        opset (int, optional): Version of the operators. Defaults to None:
            what torch prefers.

    Raises:
        DataError: If onnx or onnxscript are not installed, or the opset is
            too old.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise DataError(f'Writing ONNX needs {error.name}, which is not '
                        'installed: pip install onnx onnxscript.') from error
    with _quiet():
        exported = torch.onnx.export(
            program, dynamo=True, opset_version=opset, verbose=False)
    graph = exported.model.graph
    for values, names in ((graph.inputs, module.input_names),
                          (graph.outputs, module.output_names)):
        for value, name in zip(values, names):
            value.name = name
    exported.model.metadata_props.update(module.metadata())
    content = exported.model_proto.SerializeToString()
    with atomic_file(path) as file:
        file.write(content)
