import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.models.actionformer.blocks import max_pool
from mmevad.models.actionformer.layers import (MaskedConv1d, ScaledDropPath,
                                               convolve)
from .small import CHANNELS, neck_config


def run(length=41, **kwargs):
    torch.manual_seed(0)
    neck = MODELS.build(neck_config(**kwargs)).eval()
    feats = torch.randn(2, neck.in_channels, length)
    mask = torch.arange(length) < torch.tensor([length, length - 5])[:, None]
    return neck, *neck(feats, mask[:, None])


@pytest.mark.parametrize('size', [1, 3, 5])
@pytest.mark.parametrize('length', [1, 2, 3, 10])
def test_convolution(size, length):
    torch.manual_seed(0)
    x = torch.randn(2, length, 4, dtype=torch.float64, requires_grad=True)
    conv = torch.nn.Conv1d(4, 6, size, padding=size // 2).double()
    expected = conv(x.transpose(1, 2)).transpose(1, 2)
    got = convolve(x, conv.weight, conv.bias)
    # one sequence after the other, as if they were alone
    both = convolve(torch.cat((x, x), 1), conv.weight, conv.bias, [length] * 2)
    upstream = torch.randn_like(expected)
    expected = (expected, *torch.autograd.grad(expected,
                                               (x, conv.weight), upstream))
    for out, factor in ((got, 1), (both, 2)):
        assert torch.allclose(
            out, torch.cat((expected[0], ) * factor, 1), atol=1e-12)
        grads = torch.autograd.grad(out, (x, conv.weight),
                                    torch.cat((upstream, ) * factor, 1))
        for grad, one in zip(grads, expected[1:]):
            assert torch.allclose(grad, factor * one, atol=1e-12)


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('groups', [1, 4])
@pytest.mark.parametrize('length', [1, 9, 10])
def test_masked_convolution(stride, groups, length):
    torch.manual_seed(0)
    x = torch.randn(2, length, 4)
    ours = MaskedConv1d(4, 4, 3, stride=stride, groups=groups)
    plain = torch.nn.Conv1d(4, 4, 3, stride, 1, groups=groups)
    plain.load_state_dict(ours.state_dict())
    mask = (torch.rand(2, length, 1) > 0.5)[:, ::stride]
    expected = plain(x.transpose(1, 2)).transpose(1, 2) * mask
    assert torch.allclose(ours(x, mask), expected, atol=1e-6)


def test_max_pool():
    x = torch.randn(2, 9, 4)
    expected = torch.nn.functional.max_pool1d(x.transpose(1, 2), 3, 2, 1)
    assert torch.equal(max_pool(x), expected.transpose(1, 2))


def test_scaled_drop_path():
    layer = ScaledDropPath(4, 0.5).train()
    torch.manual_seed(0)
    out = layer(torch.ones(200, 3, 4))
    assert set(out.unique().tolist()) == {0., float(2 * torch.tensor(1e-4))}
    assert (out.flatten(1).std(1) == 0).all()  # a sample as a whole
    assert 60 < (out[:, 0, 0] == 0).sum() < 140
    assert torch.equal(layer.eval()(torch.ones(1, 1, 4)).flatten(),
                       layer.scale)


def test_levels_and_masks():
    neck, levels, masks = run()
    assert neck.strides == [1, 2, 4, 8]
    assert [tuple(x.shape) for x in levels] == [(2, 16, n)
                                                for n in (41, 21, 11, 6)]
    for level, mask in zip(range(4), masks):
        assert torch.equal(mask, masks[0][..., ::2**level])


@pytest.mark.parametrize('arch,stem_outputs,strides', [
    ((2, 2, 5), 'last', [1, 2, 4, 8, 16, 32]),
    ((2, 1, 6), 'last', [1, 2, 4, 8, 16, 32, 64]),
    ((2, 2, 5), 'all', [1, 1, 2, 4, 8, 16, 32]),
])
@pytest.mark.parametrize('neck_type', ['identity', 'fpn'])
def test_number_of_levels(arch, stem_outputs, strides, neck_type):
    neck, levels, _ = run(
        arch=arch, stem_outputs=stem_outputs, neck_type=neck_type)
    assert neck.strides == strides
    assert [x.size(-1) for x in levels] == [-(-41 // s) for s in strides]


def test_windows_per_level():
    """The stem's blocks share the first window if they are one level."""

    def windows(**kwargs):
        neck, *_ = run(**kwargs)
        blocks = [*neck.backbone.stem, *neck.backbone.branch]
        return [b.attn.window for b in blocks], neck.length_divisor

    assert windows(window_size=[3, 5, 7, -1]) == ([3, 3, 5, 7, -1], 24)
    assert windows(
        window_size=[3, 3, 5, 7, -1], stem_outputs='all') == ([3, 3, 5, 7,
                                                               -1], 24)
    assert windows(window_size=-1) == ([-1] * 5, 8)


def test_streams_of_features():
    """Each stream goes through its own projection."""
    neck, levels, _ = run(in_channels=[5, CHANNELS], embed_dims=[6, 10])
    shapes = [
        tuple(conv.weight.shape) for conv in neck.backbone.projection.streams
    ]
    assert shapes == [(6, 5, 1), (10, CHANNELS, 1)]
    assert neck.in_channels == 5 + CHANNELS
    assert levels[0].shape[1] == 16
    with torch.no_grad():
        neck.backbone.projection.streams[0].weight.zero_()
    feats, mask = torch.randn(1, 5 + CHANNELS, 8), torch.ones(1, 1, 8) > 0
    before = neck(feats, mask)[0]
    feats[:, :5] += 1
    assert torch.equal(before[0], neck(feats, mask)[0][0])
    feats[:, 5:] += torch.randn(1, CHANNELS, 8)
    assert not torch.equal(before[0], neck(feats, mask)[0][0])


def test_without_drop_path_there_are_no_scales():
    with_scales, *_ = run(drop_path_rate=0.1)
    without, *_ = run(drop_path_rate=0.)
    scales = {n for n, _ in with_scales.named_parameters() if 'scale' in n}
    assert len(scales) == 2 * 5
    assert {n
            for n, _ in without.named_parameters()
            } == {n
                  for n, _ in with_scales.named_parameters()} - scales


def test_without_layer_norm_convolutions_have_biases():
    neck, *_ = run(with_ln=False, neck_with_ln=False, neck_type='fpn')
    names = {n for n, _ in neck.named_parameters() if 'attn' not in n}
    assert 'backbone.projection.convs.0.bias' in names
    assert 'fpn.laterals.0.bias' in names and 'fpn.convs.0.bias' in names
    assert not any('projection.norms' in n or 'fpn.norms' in n for n in names)


def test_dropout():
    torch.manual_seed(0)
    neck = MODELS.build(neck_config(dropout=0.5)).train()
    feats, mask = torch.randn(1, CHANNELS, 8), torch.ones(1, 1, 8) > 0
    first, second = neck(feats, mask)[0][0], neck(feats, mask)[0][0]
    assert not torch.equal(first, second)
    neck.eval()
    assert torch.equal(neck(feats, mask)[0][0], neck(feats, mask)[0][0])


@pytest.mark.parametrize('kwargs,message', [
    (dict(window_size=4), 'window_size=4 is even'),
    (dict(window_size=[5, 5]), 'must be one number or 4 of them'),
    (dict(in_channels=[3, 4]), 'one number for each feature stream'),
    (dict(max_seq_len=60), 'max_seq_len=60 is not a multiple .* 8'),
    (dict(neck_type='panet'), "neck_type='panet' is none of"),
    (dict(backbone_type='lstm'), "backbone_type='lstm' is none of"),
    (dict(stem_outputs='first'), "stem_outputs='first' is none of"),
    (dict(out_channels=8), "out_channels=8 needs neck_type='fpn'"),
    (dict(kernel_size=4), 'kernel_size=4 must be odd'),
])
def test_impossible_necks_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(neck_config(**kwargs))


def test_position_ends_with_the_table():
    with pytest.raises(ValueError, match='80 frames but positions for 64'):
        run(length=80, use_abs_pe=True)
