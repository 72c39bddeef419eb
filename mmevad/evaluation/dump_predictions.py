# Copyright (c) mmevad authors. All rights reserved.
"""Predictions as a file that is read without running what is in it."""
import pickle
from typing import Any, Sequence

import torch
from mmaction.registry import METRICS
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmevad.utils.atomic_file import atomic_file, check_writable

# of Python 3.4, so that any program can read it
_PROTOCOL = 4


@METRICS.register_module()
class DumpPredictions(DumpResults):
    """mmengine's DumpResults, but there is a complete and plain file or none.

    - The file appears when it is complete, and whether it can be written is
      found out before the test.
    - Tensors become numpy arrays, so that reading takes neither PyTorch nor
      trust: a pickle of tensors runs code.

    The file holds a list with a dict for each sample, as metrics get it; the
    metrics of mmevad measure them again with ``Evaluator.offline_evaluate``.
    Those of others may want tensors: for them there is ``DumpResults``.

    Args:
        out_file_path (str): Ends in '.pkl' or '.pickle'.
        **kwargs: ``collect_device`` and ``collect_dir`` of ``DumpResults``.

    Raises:
        DataError: If the file cannot be written.
    """

    def __init__(self, out_file_path: str, **kwargs) -> None:
        super().__init__(out_file_path, **kwargs)
        if is_main_process():
            check_writable(out_file_path)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the samples of a batch.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): Anything.
        """
        self.results.extend(to_plain(data_samples))

    def compute_metrics(self, results: list) -> dict:
        """Write the file; there are no metrics.

        Args:
            results (list): What :meth:`process` kept, of all ranks.
        """
        with atomic_file(self.out_file_path) as file:
            pickle.dump(results, file, _PROTOCOL)
        print_log(
            f'Wrote {self.out_file_path}: {len(results)} predictions.',
            logger='current')
        return {}


def to_plain(data: Any) -> Any:
    """Tensors, samples and sizes -> numpy arrays, dicts and tuples.

    Args:
        data (Any): Containers of these; what else is in them stays. Numpy
            has no bfloat16, which becomes float32.
    """
    if isinstance(data, Tensor):
        data = data.detach().cpu()
        if data.dtype == torch.bfloat16:
            data = data.float()
        return data.numpy()
    if isinstance(data, BaseDataElement):
        data = data.to_dict()
    if isinstance(data, dict):
        return {key: to_plain(value) for key, value in data.items()}
    if isinstance(data, tuple):  # and torch.Size
        return tuple(to_plain(x) for x in data)
    if isinstance(data, list):
        return [to_plain(x) for x in data]
    return data
