import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.models.actionformer.blocks import max_pool
from mmevad.models.actionformer.layers import (MLP, MaskedConv1d,
                                               ScaledResidual, convolve)
from .small import CHANNELS, neck_config


def run(length=41, **kwargs):
    torch.manual_seed(0)
    neck = MODELS.build(neck_config(**kwargs)).eval()
    feats = torch.randn(2, neck.in_channels, length)
    mask = torch.arange(length) < torch.tensor([length, length - 5])[:, None]
    return neck, *neck(feats, mask[:, None])


@pytest.mark.parametrize('size', [1, 3, 5])
@pytest.mark.parametrize('length', [1, 2, 3, 10])
@pytest.mark.parametrize('with_bias', [True, False])
def test_convolution(size, length, with_bias):
    torch.manual_seed(0)
    x = torch.randn(3, length, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(3, length, 1) > 0.3
    conv = torch.nn.Conv1d(4, 6, size, padding=size // 2, bias=with_bias)
    conv.double()
    expected = conv(x.transpose(1, 2)).transpose(1, 2) * mask
    got = convolve(x, conv.weight, conv.bias, mask)
    assert torch.allclose(got, expected, atol=1e-12)
    upstream, inputs = torch.randn_like(expected), (x, *conv.parameters())
    for grad, reference in zip(
            torch.autograd.grad(got, inputs, upstream),
            torch.autograd.grad(expected, inputs, upstream)):
        assert torch.allclose(grad, reference, atol=1e-12)


def test_convolution_under_autocast():
    """The products are of half precision, the gradients of the weights not."""
    x, mask = torch.randn(2, 9, 4), torch.ones(2, 9, 1, dtype=torch.bool)
    conv = MaskedConv1d(4, 6, 3)
    expected = conv(x, mask)
    with torch.autocast('cpu', torch.bfloat16):
        got = conv(x, mask)
    assert got.dtype == torch.bfloat16
    assert torch.allclose(got.float(), expected, atol=0.05)
    got.sum().backward()
    assert conv.weight.grad.dtype == conv.bias.grad.dtype == torch.float32
    assert conv.weight.grad.stride() == conv.weight.stride()


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


def test_scaled_residual():
    layer = ScaledResidual(4, 0.5).train()
    torch.manual_seed(0)
    x = torch.zeros(200, 3, 4)
    out = layer(x, x + 1)
    assert set(out.unique().tolist()) == {0., float(2 * torch.tensor(1e-4))}
    assert (out.flatten(1).std(1) == 0).all()  # a sample as a whole
    assert 60 < (out[:, 0, 0] == 0).sum() < 140
    x = torch.full((1, 1, 4), 2.)
    assert torch.equal(layer.eval()(x, x).flatten(), 2 + 2 * layer.scale)


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


@pytest.mark.parametrize('dropout', [0., 0.3])
@pytest.mark.parametrize('strict_mask', [False, True])
def test_checkpointing_changes_nothing(dropout, strict_mask):
    """Same levels and gradients, of less that is kept for them."""
    results, kept = [], []
    for with_cp in (False, True):
        torch.manual_seed(0)
        neck = MODELS.build(
            neck_config(
                dropout=dropout,
                drop_path_rate=0.1,
                strict_mask=strict_mask,
                with_cp=with_cp)).train()
        feats = torch.randn(2, CHANNELS, 40)
        mask = torch.arange(40) < torch.tensor([40, 35])[:, None]
        sizes = {}

        def pack(x):
            sizes[x.untyped_storage().data_ptr()] = x.numel()
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            levels, _ = neck(feats, mask[:, None])
        kept.append(sum(sizes.values()))
        sum(level.square().sum() for level in levels).backward()
        results.append([*levels, *(p.grad for p in neck.parameters())])
    for plain, checkpointed in zip(*results):
        assert torch.allclose(plain, checkpointed, atol=1e-5)
    assert kept[1] < 0.7 * kept[0]


def test_mlp_is_that_of_mmcv():
    """Value and gradients, to rounding."""
    torch.manual_seed(0)
    mlp = MLP(6).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64, requires_grad=True)
    inputs = (x, *mlp.parameters())
    results = []
    for forward in (mlp.forward, super(MLP, mlp).forward):
        out = forward(x)
        results.append((out, *torch.autograd.grad(out.sin().sum(), inputs)))
    for got, expected in zip(*results):
        assert torch.allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_mlp_takes_long_videos_in_pieces(monkeypatch, dtype):
    mlp = MLP(6).eval()
    x = torch.randn(2, 50, 6)
    rows = []
    mlp.layers[0][0].register_forward_hook(
        lambda module, args, out: rows.append(len(args[0])))
    with torch.no_grad(), torch.autocast(
            'cpu', torch.bfloat16, enabled=dtype == torch.bfloat16):
        if dtype == torch.float64:
            mlp, x = mlp.double(), x.double()
        whole = mlp(x)
        room = 4 * x.element_size() * 6 * 30  # of the layer between
        monkeypatch.setattr('mmevad.models.actionformer.layers.LARGE_BLOCK',
                            room)
        pieces = mlp(x)
    assert rows == [2, 25, 25, 25, 25]
    assert pieces.dtype == whole.dtype == dtype
    assert pieces.shape == x.shape
    assert torch.allclose(pieces, whole, atol=1e-12)
