# Copyright (c) mmevad authors. All rights reserved.
"""mmengine's mixed precision wants a GPU.

``AmpOptimWrapper`` asserts that there is one, and ``autocast`` takes nothing
but bfloat16 on a CPU. torch can do without: bfloat16 everywhere, float16 and
a gradient scaler on the CPU in newer versions. Older ones train in bfloat16
without a scaler, which bfloat16 does not need.
"""
import warnings
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Iterator, Optional

import torch
from mmengine.device import get_device

from .import_hooks import after_import
from .report import Report


def float16_on_cpu() -> bool:
    """Whether torch's autocast has float16 on a CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # where it turns itself off
        return torch.autocast('cpu', torch.float16)._enabled


def _allow_cpu(module: ModuleType) -> None:
    # asked by the assertion alone
    module.is_cuda_available = lambda: True
    if hasattr(torch.amp, 'GradScaler'):  # else that of CUDA, which is off
        module.GradScaler = partial(torch.amp.GradScaler, 'cpu')


def _allow_float16(module: ModuleType) -> None:
    own = module.autocast

    @contextmanager
    def autocast(device_type: Optional[str] = None,
                 dtype: Optional[torch.dtype] = None,
                 enabled: bool = True,
                 cache_enabled: Optional[bool] = None) -> Iterator[None]:
        device_type = device_type or get_device()
        half = device_type == 'cpu' and dtype == torch.float16
        if half and float16_on_cpu():
            context = torch.autocast(
                'cpu', dtype, enabled=enabled, cache_enabled=cache_enabled)
        else:
            context = own(device_type, dtype, enabled, cache_enabled)
        with context:
            yield

    module.autocast = autocast


def apply() -> Report:
    name = 'mixed precision of mmengine wants a GPU'
    if get_device() != 'cpu':
        return Report(name, False, 'nothing')
    after_import('mmengine.optim.optimizer.amp_optimizer_wrapper', _allow_cpu)
    after_import('mmengine.runner.amp', _allow_float16)
    return Report(
        name, True, '--amp works on a CPU, in bfloat16' +
        (' or float16' if float16_on_cpu() else ''))
