"""Reading VideoMAE backbones and released EVAD checkpoints."""
import json
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmevad.converters import convert_evad
from mmevad.utils.errors import CheckpointError
from mmevad.utils.videomae import load_videomae
from .golden_model import ROOT
from .small import MODELS, build_backbone

CONFIG = Path(__file__).parents[3] / (
    'configs/evad/evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py')


def authors_names(state):
    """Our names -> those of the VideoMAE authors' files."""
    names = (('patch_embed.projection', 'patch_embed.proj'),
             ('mlp.layers.0.0', 'mlp.fc1'), ('mlp.layers.1', 'mlp.fc2'))
    out = {}
    for key, value in state.items():
        for ours, theirs in names:
            key = key.replace(ours, theirs)
        out[key] = value
    return out


def save(tmp_path, content):
    path = str(tmp_path / 'backbone.pth')
    torch.save(content, path)
    return path


def variants(state):
    authors = authors_names(state)
    fine_tuned = {
        re.sub(r'^norm\.', 'fc_norm.', k): v
        for k, v in authors.items()
    }
    fine_tuned['head.weight'] = torch.zeros(3, 3)
    pretrained = {f'encoder.{k}': v for k, v in authors.items()}
    pretrained['decoder.blocks.0.norm1.weight'] = torch.zeros(3)
    pretrained['mask_token'] = torch.zeros(1, 1, 3)
    mmaction2 = {f'backbone.{k}': v for k, v in state.items()}
    mmaction2['cls_head.fc_cls.weight'] = torch.zeros(3, 3)
    return {
        'authors fine-tuned': dict(module=fine_tuned),
        'authors pretrained': dict(model=pretrained, epoch=3),
        'mmaction2': dict(state_dict=mmaction2, meta=dict(epoch=1)),
        'bare': authors
    }


@pytest.mark.parametrize(
    'name', ['authors fine-tuned', 'authors pretrained', 'mmaction2', 'bare'])
def test_videomae_files(tmp_path, name):
    source = build_backbone(seed=1)
    path = save(tmp_path, variants(source.state_dict())[name])
    target = build_backbone(
        seed=2, init_cfg=dict(type='Pretrained', checkpoint=path))
    # build_backbone draws new qkv weights; read the file again
    report = load_videomae(target, path)
    for key, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[key], value), key
    assert len(report.loaded) == len(source.state_dict())
    assert not report.missing
    extra = {
        'authors fine-tuned': ['head.weight'],
        'authors pretrained': ['decoder.blocks.0.norm1.weight', 'mask_token'],
        'mmaction2': ['cls_head.fc_cls.weight'],
        'bare': []
    }[name]
    assert report.unused == extra


def test_videomae_reads_mmaction2_positions(tmp_path):
    source = build_backbone(seed=1)
    state = dict(source.state_dict(), pos_embed=source.position.table)
    load_videomae(build_backbone(seed=2), save(tmp_path, state))
    state['pos_embed'] = state['pos_embed'] + 1
    with pytest.raises(CheckpointError, match='pos_embed is not the fixed'):
        load_videomae(build_backbone(seed=2), save(tmp_path, state))


@pytest.mark.parametrize('change,message', [
    (lambda s: s.pop('blocks.0.norm1.weight'),
     'blocks.0.norm1.weight missing'),
    (lambda s: s.update({'blocks.4.norm1.weight': torch.zeros(1)}),
     'blocks.4.norm1.weight too many'),
    (lambda s: s.update({'blocks.0.norm1.weight': torch.zeros(7)}),
     r'blocks.0.norm1.weight \(7,\) instead of \(24,\)'),
])
def test_videomae_of_another_size(tmp_path, change, message):
    state = dict(build_backbone(seed=1).state_dict())
    change(state)
    target = build_backbone(seed=2)
    before = {k: v.clone() for k, v in target.state_dict().items()}
    with pytest.raises(CheckpointError, match=message):
        load_videomae(target, save(tmp_path, state))
    assert all(
        torch.equal(before[k], v) for k, v in target.state_dict().items())


def test_videomae_without_tensors(tmp_path):
    with pytest.raises(CheckpointError, match='holds no tensors'):
        load_videomae(build_backbone(), save(tmp_path, dict(epoch=1)))
    with pytest.raises(CheckpointError, match='cannot read the checkpoint'):
        load_videomae(build_backbone(), str(tmp_path / 'nowhere.pth'))


@pytest.fixture(scope='module')
def vit_base():
    return MODELS.build(Config.fromfile(CONFIG).model)


def test_vit_base_parameters(vit_base):
    """Section 7 of the specification: exactly the published sizes."""

    def count(module):
        return sum(p.numel() for p in module.parameters())

    assert count(vit_base) == 185_359_636
    assert count(vit_base.backbone) == 86_227_200
    assert count(vit_base.neck) == 3_147_776
    assert count(vit_base.context_decoder) == 16_666_464
    assert count(vit_base.actor_head) == 79_292_196 + 26_000


def test_released_vit_base_names(vit_base):
    """All 529 tensors of the released ViT-B, by name and shape."""
    shapes = json.loads((ROOT / 'vitb_state_dict_shapes.json').read_text())
    released = {k: torch.empty(v, device='meta') for k, v in shapes.items()}
    assert len(released) == 529
    converted = convert_evad({f'module.{k}': v for k, v in released.items()})
    assert {
        k: v.shape
        for k, v in converted.items()
    } == {
        k: v.shape
        for k, v in vit_base.state_dict().items()
    }


def test_unknown_names_are_listed():
    state = {f'strange.{i}': torch.zeros(1) for i in range(12)}
    with pytest.raises(
            KeyError,
            match='12 tensors are not of an EVAD.*'
            'strange.9$|strange.9'):
        convert_evad(state)
