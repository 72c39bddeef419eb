# Copyright (c) mmevad authors. All rights reserved.
"""Empty batches, and batches whose parts do not go together."""
import pytest
import torch

from .test_actionformer import small as actionformer
from .test_evad import small as evad

NO_CLIPS = torch.zeros(0, 3, 8, 64, 96)


@pytest.fixture(scope='module', params=['ActionFormer', 'EVAD'])
def empty(request):
    """A model and inputs without anything in them."""
    if request.param == 'EVAD':
        return evad.build_detector(), NO_CLIPS
    return actionformer.build(), []


@pytest.mark.parametrize('training', [False, True])
def test_nothing_gives_no_predictions(empty, training):
    model, inputs = empty
    assert model.train(training)(inputs, [], mode='predict') == []


def test_nothing_goes_through_a_test_step():
    model = actionformer.build()
    assert model.test_step(dict(inputs=[], data_samples=[])) == []


@pytest.mark.parametrize('mode', ['loss', 'tensor'])
def test_nothing_has_no_loss(empty, mode):
    model, inputs = empty
    message = f"the batch is empty; mode='{mode}' needs at least one input"
    with pytest.raises(ValueError, match=message):
        model(inputs, [], mode=mode)
    with pytest.raises(ValueError, match=message):
        model.train()(inputs, [], mode=mode)


def test_nothing_is_no_excuse_for_a_wrong_call(empty):
    model, inputs = empty
    with pytest.raises(ValueError, match="mode='predict' needs data_samples"):
        model(inputs, mode='predict')
    with pytest.raises(ValueError, match="mode='train' is none of 'loss'"):
        model(inputs, [], mode='train')
    with pytest.raises(ValueError, match='0 inputs but 1 data_samples'):
        model(inputs, [actionformer.sample()], mode='predict')


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
def test_one_sample_for_each_input(mode):
    message = '2 inputs but 1 data_samples'
    with pytest.raises(ValueError, match=message):
        actionformer.build()(
            actionformer.features(40, 40), [actionformer.sample()], mode=mode)
    model = evad.build_detector()
    data = model.data_preprocessor(evad.raw_batch())
    with pytest.raises(ValueError, match=message):
        model(data['inputs'], data['data_samples'][:1], mode=mode)


def test_no_clips_have_no_size():
    preprocessor = evad.build_detector().data_preprocessor
    with pytest.raises(ValueError, match='a batch needs at least one clip'):
        preprocessor(dict(inputs=[], data_samples=[]))
