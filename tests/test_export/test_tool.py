# Copyright (c) mmevad authors. All rights reserved.
"""tools/export.py."""
import pytest
import torch

from ..test_converters.tools import ROOT, load_tool

tool = load_tool('export.py')
export = pytest.importorskip('mmevad.export')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

EVAD = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb'
WEIGHTS = str(ROOT / 'demo/evad_synth_actors.pth')


@pytest.mark.slow
@pytest.mark.parametrize('kind,args', [('onnx', ['--opset', '18']),
                                       ('onnx', []), ('torch-export', [])])
def test_shipped_checkpoint(tmp_path, capsys, kind, args):
    """The trained model keeps the same tokens and computes the same."""
    if export.too_old():
        pytest.skip(export.too_old())
    path = tmp_path / 'out' / 'model'
    tool.main([
        EVAD, WEIGHTS, '--out',
        str(path), '--format', kind, '--size', '96', '128', '--check', *args
    ])
    out = capsys.readouterr().out
    assert 'token_ids: differs by 0, 0 of' in out
    assert f'{kind} ' in out.splitlines()[-1]
    if args:
        import onnx
        opsets = onnx.load(str(path)).opset_import
        assert [(x.domain, x.version) for x in opsets] == [('', 18)]


def test_size_is_asked_for(tmp_path):
    path = tmp_path / 'model.onnx'
    with pytest.raises(SystemExit, match='give --size HEIGHT WIDTH'):
        tool.main([EVAD, WEIGHTS, '--out', str(path)])
    assert not path.exists()


def test_what_computes_something_else_is_refused(tmp_path, monkeypatch):
    """--check ends with code 1 if the file is not the model."""

    class Model(torch.nn.Module):
        output_names = ('y', )

        def example(self):
            return (torch.ones(2), )

        def forward(self, x):
            return (x, )

    monkeypatch.setattr(tool, 'open_onnx', lambda path: None)
    monkeypatch.setattr(tool, 'run_onnx', lambda *args: dict(y=2 * args[1][0]))
    args = tool.argparse.Namespace(out='x.onnx', format='onnx', length=None)
    with pytest.raises(tool.DataError, match='x.onnx does not compute'):
        tool.check(Model(), args)
    monkeypatch.setattr(tool, 'run_onnx', lambda *args: dict(y=args[1][0]))
    tool.check(Model(), args)
