# Copyright (c) mmevad authors. All rights reserved.
from functools import lru_cache

import numpy as np
import pytest
import torch

from mmevad.models.evad.token_counts import num_kept
from mmevad.visualization import draw_actor_attention, draw_kept_tokens
from mmevad.visualization.model_inputs import img_shapes
from mmevad.visualization.token_probe import (keep_rates, kept_map,
                                              probe_actor_attention,
                                              probe_kept_tokens)
from mmevad.visualization.tokens import (darken, heat, slice_images,
                                         spread_tokens)
from tests.test_models.test_evad.small import build_detector, raw_batch, run


@lru_cache(maxsize=None)  # building one takes two seconds
def small_model(selector='gap', masked=False):
    return build_detector(
        backbone=dict(selector=selector, mask_padding=masked))


def prepared(model, **kwargs):
    data = model.data_preprocessor(raw_batch(**kwargs))
    return data['inputs'], data['data_samples']


@pytest.mark.parametrize('selector', ['gap', 'unified', 'cls'])
def test_each_layer_keeps_its_share_of_the_layer_before(selector):
    model = small_model(selector)
    inputs, samples = prepared(model)
    names, kept = probe_kept_tokens(model.backbone, inputs,
                                    img_shapes(samples))
    assert names == ['start', 'block 1', 'block 2']
    layers, batch, slices, height, width = kept.shape
    assert (layers, batch, slices, height, width) == (3, 2, 4, 4, 6)
    spot = 0 if selector == 'unified' else height * width
    total = slices * height * width
    assert kept[0].all()
    for before, after in zip(kept, kept[1:]):
        total = num_kept(.7, total, spot) + spot
        assert after.flatten(1).sum(1).tolist() == [total] * 2
        assert not (after & ~before).any()
    if selector != 'unified':
        assert kept[:, :, 2].all()  # the keyframe
    # the last layer is what the heads get
    video = model.backbone(inputs)
    assert torch.equal(kept[-1], kept_map(video))
    assert model.backbone.keep_rates == {1: .7, 2: .7}


def test_a_random_choice_is_one_layer():
    model = small_model('random')
    inputs, samples = prepared(model)
    names, kept = probe_kept_tokens(model.backbone, inputs,
                                    img_shapes(samples))
    assert names == ['start', 'random choice'] and len(kept) == 2
    # 96 tokens, 68, 48
    assert kept[1].flatten(1).sum(1).tolist() == [48, 48]


def test_padding_is_not_kept():
    model = small_model(masked=True)
    inputs, samples = prepared(model, sizes=((64, 96), (32, 60)))
    _, kept = probe_kept_tokens(model.backbone, inputs, img_shapes(samples))
    assert kept[0, 0].all() and kept[0, 1, :, :2, :4].all()
    assert not kept[:, 1, :, 2:].any() and not kept[:, 1, :, :, 4:].any()


def test_keep_rates_are_restored_after_an_error():
    model = small_model()
    with pytest.raises(RuntimeError), keep_rates(model.backbone, {}):
        raise RuntimeError
    assert model.backbone.keep_rates == {1: .7, 2: .7}


@pytest.mark.parametrize('masked', [False, True])
@pytest.mark.parametrize('order', ['position', 'importance'])
def test_attention_is_shared_out_among_kept_tokens_and_actors(
        order, masked, monkeypatch):
    model = small_model(masked=masked)
    monkeypatch.setattr(model.context_decoder, 'token_order', order)
    inputs, samples = prepared(model)
    with torch.no_grad():  # as the probe
        before = model(inputs, samples, mode='tensor')
    found = probe_actor_attention(model, inputs, samples, 0)
    assert found.tokens.shape == (2, 6, 4, 4, 6)
    total = found.tokens.flatten(2).sum(2) + found.actors.sum(2)
    torch.testing.assert_close(total, torch.ones(2, 6))
    dropped = ~found.kept[:, None].expand_as(found.tokens)
    assert not found.tokens[dropped].any()
    assert (found.tokens[~dropped] > 0).all()
    torch.testing.assert_close(found.boxes, before[1])
    torch.testing.assert_close(found.scores, before[2].sigmoid())
    # nothing stays behind
    with torch.no_grad():
        after = model(inputs, samples, mode='tensor')
    for old, new in zip(before, after):
        assert torch.equal(old, new)


def test_attention_lies_where_the_tokens_are():
    """Computed anew from the restored map, in which places are plain."""
    model = small_model()
    inputs, samples = prepared(model)
    found = probe_actor_attention(model, inputs, samples, 0)
    decoder, video = model.context_decoder, model.backbone(inputs)
    full, _ = decoder.remap(video)
    whwh = torch.tensor([[w, h, w, h] for h, w in img_shapes(samples)])
    actors = decoder.pool(full, found.boxes, whwh.float(), video)
    block = decoder.blocks[0]
    x = block.norm1(torch.cat((full.flatten(1, 3), actors), 1))
    q, k, _ = block.attn.qkv(x).unflatten(-1, (3, 2, 8)).unbind(2)
    q = q + block.attn.q_bias.view(2, 8)
    logits = torch.einsum('bihd,bjhd->bhij', q[:, -6:], k) * 8**-.5
    there = torch.cat((found.kept.flatten(1), torch.ones(2, 6).bool()), 1)
    logits = logits.masked_fill(~there[:, None, None], float('-inf'))
    weights = logits.softmax(-1).mean(1)
    torch.testing.assert_close(weights[..., :-6].unflatten(2, video.grid),
                               found.tokens)
    torch.testing.assert_close(weights[..., -6:], found.actors)


def test_person_scores_are_those_of_predictions():
    model = small_model()
    inputs, samples = prepared(model)
    found = probe_actor_attention(model, inputs, samples)
    predicted = run(model, raw_batch(), 'predict')
    torch.testing.assert_close(found.person_scores[0],
                               predicted[0].pred_instances.person_scores)


def test_tokens_spread_over_the_pixels_that_are_there():
    values = np.arange(6.).reshape(1, 2, 3)
    pixels = spread_tokens(values, 4, (7, 10))
    assert pixels.shape == (1, 7, 10)
    assert pixels[0, 3, 7] == 1 and pixels[0, 4, 8] == 5


def test_dropped_is_dark_and_attended_glows():
    images = np.full((1, 8, 8, 3), 100, np.uint8)
    kept = np.zeros((1, 8, 8), bool)
    kept[:, :4] = True
    dark = darken(images, kept)
    assert (dark[:, :4] == 100).all() and (dark[:, 4:] == 20).all()
    share = np.zeros((1, 8, 8))
    share[:, 0] = 1
    glow = heat(images, share, kept)
    assert glow[0, 0, 0, 2] > glow[0, 0, 0, 0] + 50  # red
    assert (glow[0, 1] == 75).all() and (glow[0, 5] == 15).all()


def test_grids_have_a_row_for_each_layer_and_actor():
    images = np.full((8, 30, 44, 3), 200, np.uint8)
    assert len(slice_images(images, 4)) == 4
    kept = np.ones((3, 4, 2, 3), bool)
    kept[1:, 0] = False
    picture = draw_kept_tokens(images, kept, list('abc'), 2, title='clip')
    single = draw_kept_tokens(images, kept[:1], ['a'], 2, title='clip')
    # tiles are 320 pixels wide at most, and 30 / 44 of that high
    assert single.shape[1] == picture.shape[1] == 4 * 320 + 3 * 4 + 4
    row = 218 + 30 + 4
    assert picture.shape[0] == single.shape[0] + 2 * row == 30 + 3 * row
    assert (picture[30 + row + 100, 100] == 40).all()
    assert (picture[30 + row + 100, 500] == 200).all()
    attention = draw_actor_attention(images, np.ones((2, 4, 2, 3)), kept[0],
                                     np.array([[5, 5, 20, 20]] * 2),
                                     ['first', 'second'], [(0, 0, 255)] * 2, 2)
    assert attention.shape == picture.shape
