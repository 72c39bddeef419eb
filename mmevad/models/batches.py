# Copyright (c) mmevad authors. All rights reserved.
"""What models of both pipelines can be called with."""
from typing import Sequence

from mmaction.utils import OptSampleList


def check_batch(inputs: Sequence, data_samples: OptSampleList,
                mode: str) -> None:
    """Refuse calls that have no meaning.

    Predictions of an empty batch are an empty list; there is no loss of it.

    Args:
        inputs (Sequence): Features or clips, one for each video.
        data_samples (list[ActionDataSample], optional): What is known about
            them.
        mode (str): ``'loss'``, ``'predict'`` or ``'tensor'``.

    Raises:
        ValueError: If the mode is unknown, samples are missing, or there is
            not one for each input, or the batch is empty.
    """
    if data_samples is None and mode != 'tensor':
        raise ValueError(f'mode={mode!r} needs data_samples')
    if mode not in ('loss', 'predict', 'tensor'):
        raise ValueError(f"mode={mode!r} is none of 'loss', 'predict' and "
                         "'tensor'")
    if data_samples is not None and len(data_samples) != len(inputs):
        raise ValueError(f'{len(inputs)} inputs but {len(data_samples)} '
                         'data_samples; give one of each per video')
    if mode != 'predict' and not len(inputs):
        raise ValueError(f'the batch is empty; mode={mode!r} needs at least '
                         "one input, only mode='predict' does not")
