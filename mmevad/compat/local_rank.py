# Copyright (c) mmevad authors. All rights reserved.
"""``mim --launcher pytorch`` starts ``torch.distributed.launch``.

Deprecated, it passes the rank as ``--local-rank`` (``--local_rank`` before
torch 2.0). The scripts in ``tools/`` take both, and ``torchrun``'s variable.
"""
from .report import Report


def apply() -> Report:
    return Report('mim uses torch.distributed.launch', True,
                  'tools/train.py and test.py accept --local-rank')
