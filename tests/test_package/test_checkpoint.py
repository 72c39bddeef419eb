# Copyright (c) mmevad authors. All rights reserved.
import pytest
import torch
from torch import nn

from mmevad.utils.checkpoint import (CheckpointError, check_checkpoint,
                                     compare, weights_of)


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_own_weights_are_accepted(model):
    check_checkpoint(model, dict(state_dict=model.state_dict()))
    check_checkpoint(model, model.state_dict())
    wrapped = {f'module.{k}': v for k, v in model.state_dict().items()}
    check_checkpoint(model, dict(state_dict=wrapped))


def test_counters_of_batch_norm_may_be_missing(model):
    state = model.state_dict()
    del state['1.num_batches_tracked']
    check_checkpoint(model, state)


def test_more_weights_than_the_model_has_are_accepted(model):
    check_checkpoint(model, {**model.state_dict(), 'ema': torch.ones(1)})


@pytest.mark.parametrize('partial', (False, True))
def test_foreign_weights_are_refused(model, partial):
    foreign = {f'layer{i}.weight': torch.ones(1) for i in range(12)}
    with pytest.raises(CheckpointError) as error:
        check_checkpoint(
            model, dict(state_dict=foreign), source='f.pth', partial=partial)
    message = str(error.value)
    assert message.startswith('f.pth ')
    assert '0.weight, 0.bias, 1.weight' in message
    # the first ten of twelve
    assert 'layer9.weight, ...' in message and 'layer10' not in message


def test_partial_weights_are_accepted_only_to_start_from(model):
    some = {'0.weight': torch.ones(3, 2)}
    check_checkpoint(model, some, partial=True)
    with pytest.raises(CheckpointError, match=r'5 missing \(0.bias, '):
        check_checkpoint(model, some)


def test_another_shape_is_refused(model):
    state = {**model.state_dict(), '0.weight': torch.ones(4, 2)}
    with pytest.raises(
            CheckpointError, match=r'1 of another shape \(0.weight\)'):
        check_checkpoint(model, state)


def test_compare_and_weights_of():
    one, two = torch.ones(1), torch.ones(2)
    difference = compare(dict(a=one, b=one, c=one), dict(b=one, c=two, d=one))
    assert difference == (('a', ), ('d', ), ('c', ))
    assert weights_of({'module.a.module.b': one}) == {'a.module.b': one}
