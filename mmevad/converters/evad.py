# Copyright (c) mmevad authors. All rights reserved.
"""Names of the released EVAD checkpoints (arXiv 2304.08451) <-> ours.

The five released files hold ``model_state`` or ``model``, beside the state of
the optimiser, and differ in sizes only. All tensors have the same shapes
here; pruning has none.
"""
from typing import Dict, Mapping

from torch import Tensor

from .conversion import Conversion, rename_state
from .names import NameTable, within

# released weights were trained with tokens in each other's places
REQUIRES = {'context_decoder.token_order': 'importance'}

_STAGE = ('det_head.s0_headseries.*.', 'actor_head.stages.*.')
_INTERACTION = 'instance_interactive_conv.'
_CONTEXT_BLOCK = ('det_head.decoder.blocks.*.', 'context_decoder.blocks.*.')
_PAIRS = [
    ('patch_embed.proj.', 'backbone.patch_embed.projection.'),
    ('blocks.*.mlp.fc1.', 'backbone.blocks.*.mlp.layers.0.0.'),
    ('blocks.*.mlp.fc2.', 'backbone.blocks.*.mlp.layers.1.'),
    ('blocks.*.', 'backbone.blocks.*.'),
    ('norm.', 'backbone.norm.'),
    ('init_proposal_boxes.', 'actor_head.proposal_boxes.'),
    ('init_proposal_features.', 'actor_head.proposal_features.'),
    *within(
        *_STAGE, {
            'self_attn.': 'attention.attn.',
            'inst_interact.norm1.': f'{_INTERACTION}norm_in.',
            'inst_interact.norm2.': f'{_INTERACTION}norm_out.',
            'inst_interact.norm3.': f'{_INTERACTION}fc_norm.',
            'inst_interact.out_layer.': f'{_INTERACTION}fc_layer.',
            'inst_interact.': _INTERACTION,
            'linear1.': 'ffn.layers.0.0.',
            'linear2.': 'ffn.layers.1.',
            'norm1.': 'attention_norm.',
            'norm2.': 'instance_interactive_conv_norm.',
            'norm3.': 'ffn_norm.',
            'cls_module.': 'cls_fcs.',
            'reg_module.': 'reg_fcs.',
            'class_logits.': 'fc_cls.',
            'bboxes_delta.': 'fc_reg.',
        }),
    ('det_head.encoder_to_decoder.', 'context_decoder.projection.'),
    ('det_head.mask_token', 'context_decoder.mask_token'),
    *within(
        *_CONTEXT_BLOCK, {
            'mlp.fc1.': 'mlp.layers.0.0.',
            'mlp.fc2.': 'mlp.layers.1.',
            'attn.': 'attn.',
            'norm1.': 'norm1.',
            'norm2.': 'norm2.',
        }),
]
# strides 4, 8, 16, 32
_PAIRS += [(f'fpn_{theirs}{level + 2}.', f'neck.{ours}.{level}.conv.')
           for level in range(4)
           for theirs, ours in (('lateral', 'lateral_convs'), ('output',
                                                               'fpn_convs'))]


def evad_names(num_fcs: int = 1) -> NameTable:
    """Released names and ours.

    Args:
        num_fcs (int): Hidden layers of the action classifiers: Linear,
            LayerNorm, ReLU each. Defaults to 1.
    """
    last = 3 * num_fcs
    return NameTable(
        _PAIRS + within(_CONTEXT_BLOCK[0], 'context_decoder.classifiers.*.', {
            'action_logits.': f'{last}.',
            'act_module.': ''
        }))


def names_of(state: Mapping[str, Tensor]) -> NameTable:
    """The table for a released state dict, by its number of layers."""
    layers = [
        int(key.rsplit('.', 2)[1]) for key in state
        if '.blocks.0.act_module.' in key and key.rsplit('.', 2)[1].isdigit()
    ]
    return evad_names(max(layers, default=-1) // 3 + 1)


def rename_evad(key: str, num_fcs: int = 1) -> str:
    """Our name of a released tensor.

    Args:
        key (str): Released name, without a ``module.`` prefix.
        num_fcs (int): Hidden layers of the action classifiers.

    Raises:
        KeyError: If there is no such tensor in the released model.
    """
    return evad_names(num_fcs).ours(key)


def rename_evad_state(state: Mapping[str, Tensor]) -> Conversion:
    """Rename a released state dict, known tensors and others.

    Args:
        state (dict[str, Tensor]): Released names, with or without a
            ``module.`` prefix. The loss weight ``criterion.empty_weight`` is
            left out.
    """
    return rename_state(
        state, names_of(state), left_out=r'criterion\.empty_weight$')


def convert_evad(state: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """State dict of a released checkpoint -> state dict of :class:`EVAD`.

    The released outputs need ``token_order='importance'`` in the decoder.

    Args:
        state (dict[str, Tensor]): See :func:`rename_evad_state`.

    Returns:
        dict[str, Tensor]: The same tensors under our names.

    Raises:
        KeyError: If names are unknown; lists the first ten.
    """
    return rename_evad_state(state).known('an EVAD').state_dict
