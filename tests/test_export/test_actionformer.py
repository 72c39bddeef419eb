# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer as a program and in onnxruntime, for videos of any length."""
import pytest
import torch

from mmevad.models.actionformer.attention import local_attention
from mmevad.models.actionformer.layers import convolve
from mmevad.utils.plain_operators import plain_operators, wants_plain_operators
from ..test_models.test_actionformer.small import (CHANNELS, CLASSES, MAX_LEN,
                                                   build, features, sample)

export = pytest.importorskip('mmevad.export')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

# shorter than a window, no multiple of a stride, as long as in training, one
# more, and several blocks of attention more
LENGTHS = (3, 37, MAX_LEN - 1, MAX_LEN, MAX_LEN + 1, 250, 1001)

# the fewest layers that have everything
NECK = dict(arch=(1, 1, 2))
HEAD = dict(num_layers=2, strides=(1, 2, 4), ranges=((0, 4), (4, 8), (8, 1e4)))


@pytest.fixture(scope='module')
def module():
    if export.too_old():
        pytest.skip(export.too_old())
    model = build(neck=NECK, head=HEAD)
    return export.ActionFormerForExport(model)


@pytest.fixture(scope='module')
def program(module):
    return export.to_program(module)


@pytest.fixture(scope='module')
def session(module, program, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('onnx') / 'model.onnx')
    export.write_onnx(program, module, path)
    return export.open_onnx(path)


@pytest.mark.parametrize('length', LENGTHS)
def test_program_and_onnx_match_the_model(module, program, session, length):
    inputs = module.pad(features(length)[0])
    with torch.no_grad():
        expected = module(*inputs)
        outputs = program.module()(*inputs)
    assert expected[0].shape[2] == CLASSES
    rows = export.compare(module.output_names, expected, outputs)
    assert export.worst(rows) < 1e-5, rows
    outputs = export.run_onnx(session, inputs)
    assert tuple(outputs) == module.output_names
    rows = export.compare(module.output_names, expected, outputs.values())
    assert export.worst(rows) < 1e-5, rows


@pytest.mark.parametrize('length', LENGTHS[1:])
def test_outputs_become_what_the_model_predicts(module, session, length):
    """Padding, NMS and seconds are those of the model."""
    feats = features(length, seed=length)[0]
    model = module.model
    with torch.no_grad():
        expected = model([feats], [sample()], 'predict')[0].pred_instances
    outputs = export.run_onnx(session, module.pad(feats))
    found = export.localized(outputs, model.head, [sample()])[0]
    assert len(found) == len(expected) > 0
    assert torch.equal(found.labels, expected.labels)
    torch.testing.assert_close(found.scores, expected.scores)
    torch.testing.assert_close(
        found.segments, expected.segments, rtol=1e-4, atol=1e-4)


def test_what_padding_holds_does_not_count(module, session):
    padded, lengths = module.pad(features(37)[0])
    other = padded.clone()
    other[..., 37:] = 1e3
    first, second = (
        export.run_onnx(session, (x, lengths)) for x in (padded, other))
    for name, value in first.items():
        assert torch.equal(value, second[name])


def test_the_file_says_how_to_use_it(module, session):
    stored = session.get_modelmeta().custom_metadata_map
    assert stored == module.metadata()
    assert f'no more than {MAX_LEN} frames' in stored['padding']
    (feats, lengths) = session.get_inputs()
    assert feats.shape[:2] == [1, CHANNELS]
    assert isinstance(feats.shape[2], str)  # a name, not a number
    assert lengths.shape == [1]


@pytest.mark.slow
@pytest.mark.parametrize('neck', [
    dict(use_abs_pe=True),
    dict(use_rel_pe=True),
    dict(strict_mask=True),
    dict(neck_type='fpn'),
    dict(backbone_type='conv'),
    dict(window_size=-1),
    dict(stem_outputs='all', arch=(1, 2, 1)),
])
def test_every_kind_of_neck(neck, tmp_path):
    if export.too_old():
        pytest.skip(export.too_old())
    head = dict(HEAD, strict_mask=neck.get('strict_mask', False))
    if 'arch' in neck:
        head['strides'] = (1, 1, 2)
    model = build(neck=dict(NECK, **neck), head=head)
    module = export.ActionFormerForExport(model)
    path = str(tmp_path / 'model.onnx')
    program = export.to_program(module)
    export.write_onnx(program, module, path)
    session = export.open_onnx(path)
    for length in (37, MAX_LEN + 1, 250):
        feats = features(length)[0]
        with torch.no_grad():
            expected = module.model([feats], [sample()],
                                    'predict')[0].pred_instances
        outputs = export.run_onnx(session, module.pad(feats))
        found = export.localized(outputs, module.model.head, [sample()])[0]
        assert torch.equal(found.labels, expected.labels)
        torch.testing.assert_close(found.scores, expected.scores)


@pytest.mark.parametrize('length', [1, 7, 200])
@pytest.mark.parametrize('relative', [False, True])
def test_plain_attention_is_local_attention(length, relative):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, length, 2, 4)
    mask = torch.arange(length) < torch.tensor([[length], [length // 2 + 1]])
    bias = torch.randn(2, 5) if relative else None
    expected = local_attention(q, k, v, mask, 5, bias)[:, :length]
    with plain_operators():
        found = local_attention(q, k, v, mask, 5, bias)
    assert found.shape == q.shape
    torch.testing.assert_close(found[mask], expected[mask])


def test_plain_convolution_is_convolution():
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(s) for s in ((2, 9, 4), (6, 4, 3), (6, )))
    mask = (torch.arange(9) < torch.tensor([[9], [4]]))[..., None]
    expected = convolve(x, weight, bias, mask)
    with plain_operators():
        assert wants_plain_operators()
        torch.testing.assert_close(convolve(x, weight, bias, mask), expected)
    assert not wants_plain_operators()
