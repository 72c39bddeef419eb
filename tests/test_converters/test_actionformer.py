"""Released names, shapes and files -> ours."""
import json

import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS
from mmengine.config import Config

from mmevad.converters import convert_actionformer
from mmevad.converters.actionformer import NAMES, rename_actionformer
from ..test_models.test_actionformer.golden_model import load_json
from .tools import ROOT, Evil, load_tool, refusal

converter = load_tool('converters/actionformer.py')
SHAPES = json.loads(
    (ROOT /
     'tests/data/golden/actionformer/thumos_i3d_state_dict.json').read_text())
# of the folder MMEVAD_GOLDEN, where both are optional
GOLDEN_SHAPES = load_json('thumos_i3d_state_dict.json')
FACTS = load_json('full_size_facts.json')
CONFIGS = ROOT / 'configs/actionformer'
THUMOS = CONFIGS / 'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'
FULL_SIZE = dict(
    thumos_i3d=THUMOS,
    anet_tsp=CONFIGS /
    'actionformer_tsp_1xb16-192x16x1-15e_activitynet-feature.py',
    epic_slowfast_verb=CONFIGS /
    'actionformer_slowfast_1xb2-2304x16x1-21e_epic-kitchens-100-verb-'
    'feature.py')


def released(fill=torch.zeros, shapes=SHAPES):
    return {name: fill(shape) for name, shape in shapes.items()}


def model_of(config):
    return MODELS.build(Config.fromfile(str(config)).model)


@pytest.mark.skipif(not GOLDEN_SHAPES, reason='optional')
def test_golden_actionformer_full_size_state_dict():
    """All 229 tensors arrive, in the shapes of the THUMOS14 model."""
    conversion = convert_actionformer(released(shapes=GOLDEN_SHAPES))
    assert conversion.left_out == []
    converted = conversion.state_dict
    with torch.device('meta'):
        own = model_of(THUMOS).state_dict()
    assert {
        n: v.shape
        for n, v in own.items() if n != converter.NORMALIZER
    } == {
        n: v.shape
        for n, v in converted.items()
    }
    assert sum(v.numel() for v in converted.values()) == sum(
        torch.Size(s).numel() for s in GOLDEN_SHAPES.values())


@pytest.mark.parametrize('name', [n for n in FULL_SIZE if n in FACTS])
def test_golden_actionformer_full_size_facts(name):
    facts = FACTS[name]
    with torch.device('meta'):
        model = model_of(FULL_SIZE[name])
    sizes = {n: p.numel() for n, p in model.named_parameters()}
    assert sum(sizes.values()) == facts['total']
    assert len(sizes) == facts['n_tensors']
    assert model.neck.strides == facts['fpn_strides']
    assert model.neck.length_divisor == facts['max_div_factor']
    assert model.neck.backbone.windows == facts['mha_win_size']
    parts = {
        'backbone.embd': 'neck.backbone.projection.convs',
        'backbone.embd_norm': 'neck.backbone.projection.norms',
        'backbone.stem': 'neck.backbone.stem',
        'backbone.branch': 'neck.backbone.branch',
        'neck': 'neck.fpn',
        'cls_head': 'head.cls_tower',
        'reg_head': ('head.reg_tower', 'head.scales')
    }
    for part, count in facts['by_module'].items():
        assert count == sum(size for n, size in sizes.items()
                            if n.startswith(parts[part]))


@pytest.mark.skipif('thumos_i3d' not in FACTS, reason='optional')
def test_golden_actionformer_initial_values():
    expected = FACTS['thumos_i3d']['initial_values']
    cfg = Config.fromfile(str(THUMOS)).model
    cfg.neck.embed_dims = cfg.head.in_channels = cfg.head.feat_channels = 16
    state = MODELS.build(cfg).state_dict()
    for pattern, value in (('cls_tower.out.bias', 'cls_head_bias'),
                           ('drop_path1.scale', 'affine_drop_path_scale'),
                           ('drop_path2.scale', 'affine_drop_path_scale'),
                           ('head.scales.', 'reg_scale'),
                           ('attn.query.bias', 'backbone_conv_bias'),
                           ('mlp.layers.1.bias', 'backbone_conv_bias')):
        found = [v for n, v in state.items() if pattern in n]
        assert found
        for tensor in found:
            assert torch.allclose(
                tensor, torch.tensor(expected[value]), rtol=1e-6)


def test_values_keep_their_places():
    state = released(torch.randn)
    converted = convert_actionformer(state).state_dict
    for name, value in state.items():
        assert torch.equal(converted[rename_actionformer(name)].flatten(),
                           value.flatten())


def test_prefixes_and_computed_tables():
    state = {f'module.{n}': v for n, v in released().items()}
    state['module.backbone.pos_embd'] = torch.zeros(1, 512, 2304)
    found = convert_actionformer(state)
    assert found.left_out == ['module.backbone.pos_embd']
    assert set(found.state_dict) == set(
        convert_actionformer(released()).state_dict)


def test_other_models_are_refused():
    with pytest.raises(KeyError, match='2 tensors .* fc.weight, fc.bias'):
        convert_actionformer({
            **released(), 'fc.weight': torch.zeros(1),
            'fc.bias': torch.zeros(1)
        })


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """As the released code saves it: epoch, weights, average, optimiser."""
    file = tmp_path_factory.mktemp('released') / 'epoch_035.pth.tar'
    torch.save(
        dict(
            epoch=35,
            state_dict={
                f'module.{n}': v
                for n, v in released(torch.zeros).items()
            },
            state_dict_ema={
                f'module.{n}': v
                for n, v in released(torch.ones).items()
            },
            scheduler=dict(last_epoch=35),
            optimizer=dict(state={}, param_groups=[dict(lr=1e-8)])), file)
    return file


@pytest.mark.parametrize('weights,value', [(None, 1.), ('ema', 1.),
                                           ('plain', 0.)])
def test_tool(checkpoint, tmp_path, capsys, weights, value):
    target = tmp_path / 'ours.pth'
    args = [str(checkpoint), str(target), '--config', str(THUMOS)]
    converter.main(args + (['--weights', weights] if weights else []))
    report = capsys.readouterr().out
    assert '229 tensors renamed' in report
    assert 'all 229 tensors of the model are there' in report
    found = torch.load(target, weights_only=True)
    assert found['meta']['config'] == THUMOS.stem
    assert found['meta']['converted_from'] == dict(
        file='epoch_035.pth.tar',
        weights='state_dict' if weights == 'plain' else 'state_dict_ema')
    state = found['state_dict']
    assert state.pop(converter.NORMALIZER) == 100
    assert len(state) == 229
    assert all((v == value).all() for v in state.values())


def test_tool_tries_weights_out(tmp_path, capsys):
    """ActivityNet's model, the smallest, with its own weights."""
    source, target = tmp_path / 'tsp.pth.tar', tmp_path / 'ours.pth'
    state = model_of(FULL_SIZE['anet_tsp']).state_dict()
    del state[converter.NORMALIZER]
    state = {
        NAMES.released(n): v[..., None] if n.endswith('key.weight') else v
        for n, v in state.items()
    }
    torch.save(dict(state_dict=state), source)
    config = FULL_SIZE['anet_tsp'].stem
    args = [str(source), str(target), '--config', config, '--check']
    converter.main(args)
    assert ('check: 50 features of 512 numbers give scores of 1 classes on 6 '
            'levels, all numbers are finite') in capsys.readouterr().out
    state['cls_head.cls_head.conv.bias'] = torch.tensor([float('inf')])
    torch.save(dict(state_dict=state), source)
    target.unlink()
    message = refusal(converter, capsys, source, target, *args[2:])
    assert 'a trial run gives NaN or infinite numbers' in message


def test_tool_refuses_weights_that_do_not_fit(checkpoint, tmp_path, capsys):
    config = FULL_SIZE['epic_slowfast_verb']
    found = refusal(converter, capsys, checkpoint, tmp_path / 'ours.pth',
                    '--config', config)
    assert found == (
        f'error: {checkpoint} does not fit {config}, 3 tensors: '
        'module.backbone.embd.0.conv.weight (512, 2048, 3) instead of '
        '(512, 2304, 3); module.cls_head.cls_head.conv.weight (20, 512, 3) '
        'instead of (97, 512, 3); module.cls_head.cls_head.conv.bias (20,) '
        'instead of (97,)\n')


def test_tool_refuses_code(tmp_path, capsys):
    file, ran = tmp_path / 'evil.pth.tar', tmp_path / 'ran'
    torch.save(dict(state_dict=dict(a=torch.ones(1)), args=Evil(ran)), file)
    found = refusal(converter, capsys, file, tmp_path / 'ours.pth', '--config',
                    THUMOS)
    assert 'more than tensors and plain data' in found
    assert not ran.exists()


def test_tool_names_what_is_missing(tmp_path, capsys):
    file = tmp_path / 'plain.pth'
    args = (tmp_path / 'ours.pth', '--config', THUMOS)
    torch.save(dict(state_dict=dict(a=torch.ones(1))), file)
    found = refusal(converter, capsys, file, *args, '--weights', 'ema')
    assert 'no tensors at the top level, nor under state_dict_ema' in found
    torch.save(dict(state_dict=dict(epoch=3)), file)
    found = refusal(converter, capsys, file, *args)
    assert 'holds no tensors at state_dict' in found
    found = refusal(converter, capsys, tmp_path / 'no.pth', *args)
    assert 'cannot read' in found
