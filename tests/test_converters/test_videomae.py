"""The tool for VideoMAE backbones, on each form of file."""
import argparse
import json

import pytest
import torch
from mmengine.config import Config

import mmevad  # noqa: F401  isort: skip
from mmaction.models.backbones.vit_mae import get_sinusoid_encoding
from mmaction.registry import MODELS

from mmevad.converters import convert_videomae
from mmevad.converters.videomae import rename_videomae_state
from mmevad.utils.checkpoint import check_checkpoint
from mmevad.utils.videomae import fit_videomae, load_videomae
from ..test_models.test_evad.small import build_backbone, detector_config
from ..test_models.test_evad.test_weights import authors_names
from .tools import ROOT, Evil, load_tool, refusal

tool = load_tool('converters/videomae.py')
VIT = 'configs/evad/evad_vit-{}_8xb{}-16x4x1-12e_ava-v2.2-rgb.py'
TABLE = get_sinusoid_encoding(64, 24)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'small.py'
    Config(dict(model=detector_config())).dump(str(path))
    return path


@pytest.fixture(scope='module')
def state():
    """Our names; the weights that every file below holds."""
    return build_backbone(seed=1).state_dict()


def averaged(state):
    """Models that average their tokens call the last norm fc_norm."""
    return {
        k.replace('norm.', 'fc_norm.') if k.startswith('norm.') else k: v
        for k, v in state.items()
    }


def form(name, state):
    """The file, where its weights are, and names that are left out."""
    authors = authors_names(state)
    head = {'head.weight': torch.zeros(4, 24), 'head.bias': torch.zeros(4)}
    decoder = {
        'mask_token': torch.zeros(1, 1, 16),
        'encoder_to_decoder.weight': torch.zeros(16, 24),
        'decoder.blocks.0.norm1.weight': torch.zeros(16),
        'decoder.norm.weight': torch.zeros(16),
        'decoder.head.weight': torch.zeros(8, 16)
    }
    pretrained = {f'encoder.{k}': v for k, v in authors.items()}
    pretrained.update(decoder)
    mmaction2 = {f'backbone.{k}': v for k, v in averaged(state).items()}
    mmaction2['backbone.pos_embed'] = TABLE
    cls_head = {'cls_head.fc_cls.weight': torch.zeros(4, 24)}
    ddp = {f'module.{k}': v for k, v in {**authors, **head}.items()}
    args = argparse.Namespace(model='pretrain_videomae_base_patch16_224')
    return {
        'v1 pretrained': (dict(model=pretrained, epoch=1599,
                               args=args), 'model', list(decoder)),
        'v1 fine-tuned':
        (dict(module={
            **averaged(authors),
            **head
        }, global_steps=7), 'module', list(head)),
        'v1 without average':
        (dict(model=ddp), 'model', [f'module.{k}' for k in head]),
        'v2 distilled': (dict(module={
            **averaged(authors),
            **head
        }), 'module', list(head)),
        'v2 bare': ({
            **averaged(authors),
            **head
        }, 'the top level', list(head)),
        'mmaction2':
        (dict(state_dict={
            **mmaction2,
            **cls_head
        }, meta=dict(epoch=1)), 'state_dict', list(cls_head)),
    }[name]


@pytest.mark.parametrize('name', [
    'v1 pretrained', 'v1 fine-tuned', 'v1 without average', 'v2 distilled',
    'v2 bare', 'mmaction2'
])
def test_every_form_is_converted(name, state, config, tmp_path, capsys):
    source, target = tmp_path / 'videomae.pth', tmp_path / 'ours.pth'
    content, place, left_out = form(name, state)
    torch.save(content, source)
    tool.main([str(source), str(target), '--config', str(config), '--check'])
    out = capsys.readouterr().out
    count, numbers = len(state), sum(v.numel() for v in state.values())
    assert f'numbers in {place}\n' in out
    assert f'{count} tensors renamed, {numbers:,} numbers' in out
    assert (f'left out, not of the model or computed: {len(left_out)} '
            f'({"; ".join(left_out)})') in out
    assert (f'{count} of {count} tensors of the backbone, not in the file: '
            'none') in out
    assert ('check: a clip of 8 frames of 96x64 gives 48 tokens of 24 '
            'numbers, all numbers are finite') in out
    found = torch.load(target, weights_only=True)
    assert list(found['state_dict']) == [
        f'backbone.{k}'
        for k in convert_videomae(rename_videomae_state(state).state_dict)
    ]
    for key, value in state.items():
        assert torch.equal(found['state_dict'][f'backbone.{key}'], value)
    # as init_cfg reads it, and as the start of a training
    backbone = build_backbone(seed=2)
    assert load_videomae(backbone, str(target)).missing == []
    for key, value in backbone.state_dict().items():
        assert torch.equal(value, state[key])
    check_checkpoint(MODELS.build(detector_config()), found, partial=True)


@pytest.mark.parametrize('pooling', [dict(), dict(return_feat_map=True)])
def test_mmaction2s_own_model(pooling):
    """Recognizers average their tokens, detectors do not."""
    theirs = MODELS.build(
        dict(
            type='mmaction.VisionTransformer',
            img_size=64,
            embed_dims=24,
            depth=4,
            num_heads=2,
            num_frames=8,
            qkv_bias=True,
            use_mean_pooling=not pooling,
            norm_cfg=dict(type='LN', eps=1e-6),
            **pooling))
    backbone = build_backbone()
    state = {f'backbone.{k}': v for k, v in theirs.state_dict().items()}
    found = fit_videomae(backbone, rename_videomae_state(state), 'the file')
    assert found.state_dict.keys() == backbone.state_dict().keys()
    assert found.left_out == []


def test_a_missing_last_norm_is_said(state, config, tmp_path, capsys):
    source, target = tmp_path / 'videomae.pth', tmp_path / 'ours.pth'
    torch.save({
        k: v
        for k, v in state.items() if 'norm.' not in k[:5]
    }, source)
    tool.main([str(source), str(target), '--config', str(config)])
    assert 'not in the file: norm.weight, norm.bias' in capsys.readouterr().out
    assert 'backbone.norm.weight' not in torch.load(target)['state_dict']


def positions(state):
    return {**state, 'pos_embed': TABLE + 1}


def twice(state):
    return {**state, 'fc_norm.weight': torch.zeros(24)}


def layer_scale(state):
    return {**state, 'blocks.0.gamma_1': torch.zeros(24)}


def deeper(state):
    """Twelve tensors of a fifth block."""
    return {
        **state,
        **{
            k.replace('blocks.0.', 'blocks.4.'): v
            for k, v in state.items() if k.startswith('blocks.0.')
        }
    }


def wider(state):
    return {k: torch.zeros(tuple(2 * d for d in v.shape)) for k, v in
            state.items()}  # yapf: disable


@pytest.mark.parametrize('change,message', [
    (positions, '1 tensors: pos_embed is not the fixed sine-cosine table of '
     '(1, 64, 24)'),
    (twice, '1 tensors: fc_norm.weight too many, (24,) found'),
    (layer_scale, '1 tensors: blocks.0.gamma_1 too many, (24,) found'),
    (deeper, '13 tensors: blocks.4.norm1.weight too many, (24,) found; '),
    (wider, '56 tensors: '),
])
def test_others_are_refused(change, message, state, config, tmp_path, capsys):
    source, target = tmp_path / 'videomae.pth', tmp_path / 'ours.pth'
    torch.save(change(state), source)
    found = refusal(tool, capsys, source, target, '--config', config)
    assert f'the backbone in {source} does not fit, {message}' in found
    total = int(message.split()[0])
    assert len(found.split('; ')) == (total if total <= 10 else 11)
    assert (f'; and {total - 10} more' in found) == (total > 10)
    if change is wider:
        assert 'blocks.0.norm1.weight (48,) instead of (24,)' in found


def test_code_is_refused(state, config, tmp_path, capsys):
    source, ran = tmp_path / 'evil.pth', tmp_path / 'ran'
    torch.save(dict(model=dict(state), args=Evil(ran)), source)
    found = refusal(tool, capsys, source, tmp_path / 'ours.pth', '--config',
                    config)
    assert 'more than tensors and plain data' in found and not ran.exists()


def full_size(width, depth):
    """Names and shapes of a ViT, from those of the released EVAD ViT-B."""
    path = ROOT / 'tests/data/golden/evad/vitb_state_dict_shapes.json'
    shapes = json.loads(path.read_text())
    state = {}
    for name, shape in shapes.items():
        if not name.startswith(('blocks.', 'patch_embed.', 'norm.')):
            continue
        shape = [d // 768 * width if d % 768 == 0 else d for d in shape]
        names = [name]
        if name.startswith('blocks.0.'):
            names = [
                name.replace('.0.', f'.{i}.', 1)
                for i in (0, *range(12, depth))
            ]
        elif name.startswith('norm.'):
            names = [f'fc_{name}']
        state.update({n: torch.empty(shape, device='meta') for n in names})
    return state


@pytest.mark.parametrize('name,batch,width,depth', [
    ('base-p16', 2, 768, 12),
    pytest.param('large-p16', 1, 1024, 24, marks=pytest.mark.slow),
])
def test_full_size(name, batch, width, depth):
    model = Config.fromfile(str(ROOT / VIT.format(name, batch))).model
    backbone = MODELS.build(model.backbone)
    conversion = fit_videomae(backbone,
                              rename_videomae_state(full_size(width, depth)),
                              'the file')
    own = backbone.state_dict()
    assert conversion.state_dict.keys() == own.keys()
    assert sum(v.numel() for v in conversion.state_dict.values()) == sum(
        v.numel() for v in own.values())
