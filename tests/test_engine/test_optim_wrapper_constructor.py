"""Learning rates and weight decay by parameter."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmevad.engine.optim_wrapper_constructor import FUSED_ON_CPU
from tests.test_models.test_evad.small import build_detector

CFG = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.5e-5, weight_decay=1e-4),
    constructor='EVADOptimWrapperConstructor')


def settings(model, **kwargs):
    """(lr, weight decay) of every parameter by name."""
    init_default_scope('mmaction')
    wrapper = build_optim_wrapper(model, dict(CFG, **kwargs))
    found = {}
    for group in wrapper.optimizer.param_groups:
        for param in group['params']:
            found[id(param)] = (group['lr'], group['weight_decay'])
    return {n: found[id(p)] for n, p in model.named_parameters()}


def test_recipe():
    """Section 6: 8x in the detection head, no decay where it says so."""
    found = settings(build_detector())
    slow, fast = 2.5e-5, 8 * 2.5e-5
    assert found['backbone.blocks.0.attn.qkv.weight'] == (slow, 1e-4)
    assert found['backbone.blocks.0.attn.q_bias'] == (slow, 0)
    assert found['backbone.patch_embed.projection.weight'] == (slow, 1e-4)
    assert found['backbone.norm.weight'] == (slow, 0)
    assert found['neck.fpn_convs.0.conv.weight'] == (slow, 1e-4)
    assert found['neck.fpn_convs.0.conv.bias'] == (slow, 0)
    assert found['actor_head.proposal_boxes.weight'] == (slow, 1e-4)
    assert found['actor_head.proposal_features.weight'] == (slow, 1e-4)
    assert found['actor_head.stages.0.fc_reg.weight'] == (fast, 1e-4)
    assert found['actor_head.stages.1.attention_norm.weight'] == (fast, 0)
    assert found['context_decoder.projection.weight'] == (fast, 1e-4)
    assert found['context_decoder.mask_token'] == (fast, 0)
    assert found['context_decoder.blocks.0.attn.v_bias'] == (fast, 0)
    assert found['context_decoder.classifiers.1.0.weight'] == (fast, 1e-4)


def test_frozen_parameters_are_left_out():
    model = build_detector()
    model.neck.requires_grad_(False)
    init_default_scope('mmaction')
    wrapper = build_optim_wrapper(model, dict(CFG))
    count = sum(len(g['params']) for g in wrapper.optimizer.param_groups)
    assert count == sum(p.requires_grad for p in model.parameters())


def test_other_multiplier():
    found = settings(build_detector(), paramwise_cfg=dict(head_lr_mult=2.))
    assert found['context_decoder.mask_token'][0] == pytest.approx(5e-5)


@pytest.mark.skipif(not FUSED_ON_CPU, reason='torch before 2.4')
def test_fused_adam_equals_the_plain_one():
    weights = []
    for fused in (True, False):
        model = build_detector()
        init_default_scope('mmaction')
        cfg = dict(CFG, optimizer=dict(CFG['optimizer'], fused=fused))
        wrapper = build_optim_wrapper(model, cfg)
        for param in model.parameters():
            param.grad = torch.ones_like(param)
        wrapper.step()
        weights.append([p.clone() for p in model.parameters()])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*weights))


def test_arguments():
    with pytest.raises(ValueError, match="unknown {'norm_decay_mult': 0}"):
        settings(build_detector(), paramwise_cfg=dict(norm_decay_mult=0))
