# Copyright (c) mmevad authors. All rights reserved.
"""Mixed precision of mmengine on a CPU."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import amp
from torch import nn

import mmevad  # noqa: F401  isort: skip
from mmengine.device import get_device

from mmevad.compat.mmengine_amp import float16_on_cpu

pytestmark = pytest.mark.skipif(
    get_device() != 'cpu', reason='on a GPU mmengine is left as it is')
half = pytest.mark.skipif(
    not float16_on_cpu(), reason='autocast of torch has no float16 on a CPU')


@pytest.mark.parametrize('dtype, expected', [
    (None, torch.bfloat16),
    (torch.bfloat16, torch.bfloat16),
    pytest.param(torch.float16, torch.float16, marks=half),
])
def test_autocast(dtype, expected):
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    with amp.autocast(dtype=dtype):
        assert layer(x).dtype == expected
    with amp.autocast(dtype=dtype, enabled=False):
        assert layer(x).dtype == torch.float32
    assert layer(x).dtype == torch.float32


def test_other_types_are_still_refused():
    with pytest.raises(AssertionError, match='only support `torch.bfloat16`'):
        with amp.autocast(dtype=torch.float64):
            pass


@pytest.mark.parametrize('dtype', [
    'bfloat16',
    pytest.param('float16', marks=half),
])
def test_a_step_with_a_loss_scaler(dtype):
    """The step is that of the unscaled gradient; an overflow is skipped."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    wrapper = build_optim_wrapper(
        layer,
        dict(
            type='AmpOptimWrapper',
            dtype=dtype,
            loss_scale=dict(init_scale=8.),
            optimizer=dict(type='SGD', lr=.5)))
    scale = wrapper.loss_scaler.get_scale()
    with wrapper.optim_context(layer):
        loss = layer(torch.full((1, 1), .25)).sum()
    wrapper.update_params(loss.float())
    assert layer.weight.item() == 1 - .5 * .25
    with wrapper.optim_context(layer):
        loss = layer(torch.ones(1, 1)).sum().float() * float('inf')
    wrapper.update_params(loss)
    if wrapper.loss_scaler.is_enabled():  # not in torch before 2.3
        assert layer.weight.item() == 1 - .5 * .25
        assert (scale, wrapper.loss_scaler.get_scale()) == (8, 4)
    state = wrapper.state_dict()
    wrapper.load_state_dict(state)
