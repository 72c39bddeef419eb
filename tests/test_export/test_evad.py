# Copyright (c) mmevad authors. All rights reserved.
"""EVAD as a program and in onnxruntime, with fixed numbers of tokens."""
import subprocess
import sys

import pytest
import torch

from mmevad.utils.errors import DataError
from ..test_models.test_evad.small import CLASSES, build_detector, raw_batch

export = pytest.importorskip('mmevad.export')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

SIZE = (64, 96)
TOKENS = 4 * 4 * 6  # time slices, rows and columns


def small_model(**backbone):
    model = build_detector(backbone=backbone)
    # the fewest layers that have everything
    model.actor_head.stages = model.actor_head.stages[:1]
    model.context_decoder.blocks = model.context_decoder.blocks[:1]
    return model


@pytest.fixture(
    scope='module', params=[0.7, pytest.param(1., marks=pytest.mark.slow)])
def exported(request, tmp_path_factory):
    """Module, program and session."""
    if export.too_old():
        pytest.skip(export.too_old())
    model = small_model(keep_rate=request.param, prune_blocks=(1, ))
    module = export.EVADForExport(model, SIZE)
    program = export.to_program(module)
    path = str(tmp_path_factory.mktemp('onnx') / 'model.onnx')
    export.write_onnx(program, module, path)
    return module, program, export.open_onnx(path)


@pytest.mark.parametrize('image_size', [SIZE, (50, 70)])
def test_program_and_onnx_match_the_model(exported, image_size):
    module, program, session = exported
    inputs = module.example(image_size, seed=3)
    with torch.no_grad():
        expected = module(*inputs)
        outputs = program.module()(*inputs)
    kept = -(-TOKENS * 7 //
             10) if module.metadata()['keep_rate'] == '[0.7]' else TOKENS
    assert [tuple(x.shape) for x in expected] == [(1, 6, 4), (1, 6),
                                                  (1, 6, CLASSES), (1, kept)]
    rows = export.compare(module.output_names, expected, outputs)
    assert export.worst(rows) < 1e-5, rows
    outputs = export.run_onnx(session, inputs)
    assert tuple(outputs) == module.output_names
    rows = export.compare(module.output_names, expected, outputs.values())
    assert export.worst(rows) < 1e-5, rows
    assert rows[-1] == ('token_ids', 0, 0)


@pytest.mark.parametrize('image_size', [SIZE, (50, 70)])
def test_outputs_become_what_the_model_predicts(exported, image_size):
    """Normalisation, padding and the threshold are those of the model."""
    module, _, session = exported
    data = raw_batch([image_size], num_gts=(0, ))
    height, width = image_size
    clip, sizes = module.example(image_size)  # noise beyond the image
    clip[0, ..., :height, :width] = data['inputs'][0]
    outputs = export.run_onnx(session, (clip, sizes))
    with torch.no_grad():
        expected = module.model.test_step(data)[0].pred_instances
    threshold = expected.person_scores.median().item()
    kept = expected[expected.person_scores >= threshold]
    found = export.with_actors(outputs, data['data_samples'], threshold)
    found = found[0].pred_instances
    assert len(found) == len(kept) < 6
    for name in ('bboxes', 'scores', 'person_scores'):
        torch.testing.assert_close(
            found[name], kept[name], rtol=1e-4, atol=1e-5)


def test_nothing_needs_mmevad(exported):
    _, program, session = exported
    names = {
        str(node.target)
        for node in program.graph.nodes if node.op == 'call_function'
    }
    assert not [name for name in names if 'mmevad' in name]
    assert not [name for name in names if 'embedding_bag' in name]
    stored = session.get_modelmeta().custom_metadata_map
    assert stored['person_score_thr'] == '0.0'


@pytest.mark.slow
def test_the_program_runs_where_nothing_but_torch_is(exported, tmp_path):
    module, program, _ = exported
    path = str(tmp_path / 'model.pt2')
    export.write_program(program, path, module.metadata())
    inputs = module.example()
    torch.save(inputs, tmp_path / 'inputs.pt')
    code = f'''
import sys, torch
program = torch.export.load({path!r}).module()
inputs = torch.load({str(tmp_path / 'inputs.pt')!r})
torch.save(program(*inputs), {str(tmp_path / 'outputs.pt')!r})
assert not [m for m in sys.modules if m.startswith('mm')], sys.modules
'''
    subprocess.run([sys.executable, '-c', code], check=True, cwd=tmp_path)
    with torch.no_grad():
        rows = export.compare(module.output_names, module(*inputs),
                              torch.load(tmp_path / 'outputs.pt'))
    assert export.worst(rows) < 1e-5


@pytest.mark.parametrize('size', [(64, 90), (0, 64)])
def test_size_must_fit(size):
    with pytest.raises(DataError, match='multiples of 32'):
        export.EVADForExport(small_model(), size)


def test_what_depends_on_more_than_the_size_is_refused():
    with pytest.raises(DataError, match='mask_padding=False'):
        export.EVADForExport(small_model(mask_padding=True), SIZE)
    with pytest.raises(DataError, match="selector='random'"):
        export.EVADForExport(small_model(selector='random'), SIZE)


def test_compare_finds_what_differs():
    one, zeros = torch.ones(2), torch.zeros(2)
    names, ids = ('a', 'b'), torch.tensor([1, 2])
    same = export.compare(names, (one, ids), (one, ids))
    assert export.worst(same) == 0
    rows = export.compare(names, (2 * one, ids),
                          (2 * one + torch.tensor([0, .5]), ids.flip(0)))
    assert rows == [('a', .5, .25), ('b', 2, 1)]
    with pytest.raises(DataError, match='a is NaN or infinite'):
        export.compare(names, (one, ), (one / zeros, ))
    with pytest.raises(DataError, match=r'b is of shape \(1,\) instead'):
        export.compare(names, (one, ids), (one, ids[:1]))
