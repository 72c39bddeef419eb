"""The tool for released EVAD checkpoints, on the reference model."""
import argparse
import re

import pytest
import torch
from mmengine.config import Config

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.converters import convert_evad
from mmevad.utils.checkpoint import check_checkpoint, weights_of
from mmevad.utils.errors import CheckpointError
from ..test_models.test_evad import test_golden as golden
from ..test_models.test_evad.golden_model import Reference, model_config
from .tools import Evil, load_tool, refusal

tool = load_tool('converters/evad.py')


@pytest.fixture(scope='module')
def state():
    """Official names, 219 tensors."""
    return {
        k[len('state/'):]: torch.from_numpy(v)
        for k, v in Reference().arrays.items() if k.startswith('state/')
    }


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A config file of the reference model, in our own token order."""
    path = tmp_path_factory.mktemp('config') / 'evad_tiny.py'
    Config(dict(model=model_config(Reference().cfg, 1., 'position'))).dump(
        str(path))
    return path


def form(name, state):
    """How files of the authors, or of their kind, may hold the weights."""
    ddp = {f'module.{k}': v for k, v in state.items()}
    args = argparse.Namespace(lr=1e-4, data='/somewhere')
    return {
        'model_state':
        dict(epoch=9, model_state=ddp, optimizer_state=dict(state={}), cfg=''),
        'model':
        dict(model=dict(state), args=args, scaler=dict(scale=2.)),
        'plain':
        dict(state),
        'plain ddp':
        ddp,
    }[name]


class Converted(Reference):
    """The reference model with weights from a file of the tool."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def build(self, keyframe_weight=1., token_order='importance', **backbone):
        cfg = model_config(self.cfg, keyframe_weight, token_order)
        cfg['backbone'].update(backbone)
        model = MODELS.build(cfg)
        checkpoint = torch.load(self.path, weights_only=True)
        check_checkpoint(model, checkpoint)
        model.load_state_dict(weights_of(checkpoint), strict=True)
        return model


@pytest.mark.parametrize('name',
                         ['model_state', 'model', 'plain', 'plain ddp'])
def test_official_checkpoints_give_the_golden_outputs(name, state, config,
                                                      tmp_path, capsys,
                                                      monkeypatch):
    source, target = tmp_path / 'official.pyth', tmp_path / 'new' / 'ours.pth'
    torch.save(form(name, state), source)
    tool.main([str(source), str(target), '--config', str(config), '--check'])
    out = capsys.readouterr().out
    place = name if 'plain' not in name else 'the top level'
    numbers = sum(v.numel() for v in state.values())
    assert f'219 tensors, {numbers:,} numbers in {place}\n' in out
    assert f'218 tensors renamed, {numbers - 2:,} numbers' in out
    assert re.search(r'left out.* 1 \((module\.)?criterion.empty_weight\)',
                     out)
    assert 'all 218 tensors of the model are there' in out
    assert ('check: a clip of 8 frames of 96x64 gives 10 persons with 7 '
            'actions, all numbers are finite') in out
    assert '--cfg-options model.context_decoder.token_order=importance' in out
    for case in golden.CASES[:1 if name != 'model_state' else None]:
        golden.test_golden_evad_evaluation(
            Converted(target), *case, golden.PATHS[0], monkeypatch)


def test_what_the_file_says_of_itself(state, config, tmp_path):
    source, target = tmp_path / 'official.pyth', tmp_path / 'ours.pth'
    torch.save(form('model', state), source)
    tool.main([str(source), str(target), '--config', str(config)])
    meta = torch.load(target, weights_only=True)['meta']
    version = meta.pop('mmevad_version')
    assert version == mmevad.__version__
    assert meta == dict(
        config='evad_tiny',
        converted_from=dict(file='official.pyth', weights='model'),
        requires={'context_decoder.token_order': 'importance'})
    # tested with tokens at their own places, results would be others
    with pytest.raises(
            CheckpointError,
            match='trained with context_decoder.token_order=.importance., but '
            'the config has .position..*--cfg-options '
            'model.context_decoder.token_order=importance'):
        Converted(target).build(token_order='position')
    # to train further in the other order is fine
    model = MODELS.build(model_config(Reference().cfg, 1., 'position'))
    check_checkpoint(
        model, torch.load(target, weights_only=True), partial=True)


def test_nothing_to_set_where_the_config_has_it(state, tmp_path, capsys):
    source, target = tmp_path / 'official.pyth', tmp_path / 'ours.pth'
    config = tmp_path / 'released.py'
    torch.save(state, source)
    cfg = model_config(Reference().cfg, 1., 'importance')
    Config(dict(model=cfg)).dump(str(config))
    tool.main([str(source), str(target), '--config', str(config)])
    assert '--cfg-options' not in capsys.readouterr().out


def cut(state):
    """A file that ends early: of the last 30 tensors, 29 are the model's."""
    return dict(list(state.items())[:-30])


def rename(state):
    return {k.replace('attn.qkv', 'attn.kqv'): v for k, v in state.items()}


def widen(state):
    return {
        k: torch.zeros(v.size(0) + 1, *v.shape[1:]) if '.mlp.fc1.' in k else v
        for k, v in state.items()
    }


@pytest.mark.parametrize('change,count,first,last', [
    (cut, 29, None, None),
    (rename, 16, 'blocks.0.attn.kqv.weight too many, (144, 48) found',
     'blocks.1.attn.qkv.weight missing, (144, 48) expected'),
    (widen, 16, 'blocks.0.mlp.fc1.weight (193, 48) instead of (192, 48)',
     'blocks.4.mlp.fc1.bias (193,) instead of (192,)'),
])
def test_the_first_ten_misfits_are_named(state, config, tmp_path, capsys,
                                         change, count, first, last):
    source, target = tmp_path / 'wrong.pyth', tmp_path / 'ours.pth'
    changed = change(state)
    torch.save(dict(model_state=changed), source)
    message = refusal(tool, capsys, source, target, '--config', config)
    head, _, rest = message.strip().partition(' tensors: ')
    assert head == f'error: {source} does not fit {config}, {count}'
    shown = rest.split('; ')
    assert len(shown) == 11 and shown.pop() == f'and {count - 10} more'
    if change is cut:
        lost = {
            f'{k} missing, {tuple(v.shape)} expected'
            for k, v in state.items() if k not in changed
        }
        assert len(set(shown)) == 10 and set(shown) <= lost
    else:
        assert (shown[0], shown[-1]) == (first, last)


def test_a_truncated_file_is_refused(state, config, tmp_path, capsys):
    source, target = tmp_path / 'cut.pyth', tmp_path / 'ours.pth'
    torch.save(dict(model_state=state), source)
    content = source.read_bytes()
    for size in (0, 1000, len(content) // 2, len(content) - 1):
        source.write_bytes(content[:size])
        message = refusal(tool, capsys, source, target, '--config', config)
        assert (f'cannot read the checkpoint {source}: the file of {size:,} '
                'bytes is incomplete or of another kind') in message


def test_code_is_refused(state, config, tmp_path, capsys):
    source, target = tmp_path / 'evil.pyth', tmp_path / 'ours.pth'
    ran = tmp_path / 'ran'
    torch.save(dict(model_state=state, cfg=Evil(ran)), source)
    message = refusal(tool, capsys, source, target, '--config', config)
    assert 'it holds more than tensors and plain data (' in message
    assert not ran.exists()


def test_damaged_weights_do_not_pass_the_check(state, config, tmp_path,
                                               capsys):
    source, target = tmp_path / 'nan.pyth', tmp_path / 'ours.pth'
    damaged = dict(state)
    key = 'det_head.decoder.blocks.1.action_logits.bias'
    damaged[key] = torch.full_like(state[key], float('nan'))
    torch.save(damaged, source)
    args = ('--config', config)
    message = refusal(tool, capsys, source, target, *args, '--check')
    assert 'a trial run gives NaN' in message


def test_other_models_and_files(state, config, tmp_path, capsys):
    source, target = tmp_path / 'official.pyth', tmp_path / 'ours.pth'
    torch.save(dict(model=state), source)
    other = 'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature'
    message = refusal(tool, capsys, source, target, '--config', other)
    assert 'these weights are of a model EVAD, but' in message
    message = refusal(tool, capsys, source, target, '--config', 'nowhere')
    assert 'There is no config nowhere' in message
    missing = tmp_path / 'nope.pyth'
    message = refusal(tool, capsys, missing, target, '--config', config)
    assert f'cannot read the checkpoint {missing}: there is no' in message
    message = refusal(tool, capsys, source, source, '--config', config)
    assert 'the same file' in message
    torch.save(dict(model=dict(epoch=1), args=dict()), source)
    message = refusal(tool, capsys, source, target, '--config', config)
    assert 'holds no tensors at model' in message


@pytest.mark.parametrize('num_fcs', [0, 1, 2])
def test_layers_of_classifiers_are_counted(num_fcs):
    released = 'det_head.decoder.blocks.0.'
    state = {
        f'{released}act_module.{3 * i}.weight': torch.zeros(1)
        for i in range(num_fcs)
    }
    state[f'{released}action_logits.weight'] = torch.zeros(1)
    assert set(convert_evad(state)) == {
        f'context_decoder.classifiers.0.{3 * i}.weight'
        for i in range(num_fcs + 1)
    }
