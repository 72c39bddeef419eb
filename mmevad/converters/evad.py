# Copyright (c) mmevad authors. All rights reserved.
"""Names of the released EVAD checkpoints -> ours."""
import re
from typing import Dict

from torch import Tensor

_STAGE = r'^det_head\.s0_headseries\.(\d+)\.'
_BLOCK = r'^det_head\.decoder\.blocks\.(\d+)\.'

# the first pattern that matches names the tensor
_RENAMES = (
    (r'^patch_embed\.proj\.', r'backbone.patch_embed.projection.'),
    (r'^(blocks\.\d+\.mlp)\.fc1\.', r'backbone.\1.layers.0.0.'),
    (r'^(blocks\.\d+\.mlp)\.fc2\.', r'backbone.\1.layers.1.'),
    (r'^(blocks|norm)\.', r'backbone.\1.'),
    (r'^init_proposal_(boxes|features)\.', r'actor_head.proposal_\1.'),
    (_STAGE + r'self_attn\.', r'actor_head.stages.\1.attention.attn.'),
    (_STAGE + r'inst_interact\.norm1\.',
     r'actor_head.stages.\1.instance_interactive_conv.norm_in.'),
    (_STAGE + r'inst_interact\.norm2\.',
     r'actor_head.stages.\1.instance_interactive_conv.norm_out.'),
    (_STAGE + r'inst_interact\.out_layer\.',
     r'actor_head.stages.\1.instance_interactive_conv.fc_layer.'),
    (_STAGE + r'inst_interact\.norm3\.',
     r'actor_head.stages.\1.instance_interactive_conv.fc_norm.'),
    (_STAGE + r'inst_interact\.',
     r'actor_head.stages.\1.instance_interactive_conv.'),
    (_STAGE + r'linear1\.', r'actor_head.stages.\1.ffn.layers.0.0.'),
    (_STAGE + r'linear2\.', r'actor_head.stages.\1.ffn.layers.1.'),
    (_STAGE + r'norm1\.', r'actor_head.stages.\1.attention_norm.'),
    (_STAGE + r'norm2\.',
     r'actor_head.stages.\1.instance_interactive_conv_norm.'),
    (_STAGE + r'norm3\.', r'actor_head.stages.\1.ffn_norm.'),
    (_STAGE + r'(cls|reg)_module\.', r'actor_head.stages.\1.\2_fcs.'),
    (_STAGE + r'class_logits\.', r'actor_head.stages.\1.fc_cls.'),
    (_STAGE + r'bboxes_delta\.', r'actor_head.stages.\1.fc_reg.'),
    (r'^det_head\.encoder_to_decoder\.', r'context_decoder.projection.'),
    (r'^det_head\.mask_token$', r'context_decoder.mask_token'),
    (_BLOCK + r'act_module\.', r'context_decoder.classifiers.\1.'),
    (_BLOCK + r'mlp\.fc1\.', r'context_decoder.blocks.\1.mlp.layers.0.0.'),
    (_BLOCK + r'mlp\.fc2\.', r'context_decoder.blocks.\1.mlp.layers.1.'),
    (_BLOCK + r'(norm\d|attn)\.', r'context_decoder.blocks.\1.\2.'),
)
_PYRAMID = re.compile(r'^fpn_(lateral|output)([2-5])\.(weight|bias)$')
_ACTION = re.compile(_BLOCK + r'action_logits\.(weight|bias)$')


def rename_evad(key: str, num_fcs: int = 1) -> str:
    """Our name of a released tensor.

    Args:
        key (str): Released name, without a ``module.`` prefix.
        num_fcs (int): Hidden layers of the action classifiers.

    Raises:
        KeyError: If there is no such tensor in the released model.
    """
    match = _PYRAMID.match(key)
    if match:
        kind = {'lateral': 'lateral_convs', 'output': 'fpn_convs'}[match[1]]
        return f'neck.{kind}.{int(match[2]) - 2}.conv.{match[3]}'
    match = _ACTION.match(key)
    if match:
        last = 3 * num_fcs  # each hidden layer is Linear, LayerNorm, ReLU
        return f'context_decoder.classifiers.{match[1]}.{last}.{match[2]}'
    for pattern, name in _RENAMES:
        if re.match(pattern, key):
            return re.sub(pattern, name, key)
    raise KeyError(key)


def convert_evad(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """State dict of a released checkpoint -> state dict of :class:`EVAD`.

    Args:
        state (dict[str, Tensor]): Released names; a ``module.`` prefix is
            taken off. The loss weight ``criterion.empty_weight`` is left out.

    Returns:
        dict[str, Tensor]: The same tensors under our names.

    Raises:
        KeyError: If names are unknown; lists the first ten.
    """
    state = {re.sub(r'^module\.', '', k): v for k, v in state.items()}
    state.pop('criterion.empty_weight', None)
    layers = {
        int(k.rsplit('.', 2)[1])
        for k in state if '.blocks.0.act_module.' in k
    }
    num_fcs = max(layers, default=1) // 3 + 1
    converted, unknown = {}, []
    for key, value in state.items():
        try:
            converted[rename_evad(key, num_fcs)] = value
        except KeyError:
            unknown.append(key)
    if unknown:
        raise KeyError(f'{len(unknown)} tensors are not of an EVAD '
                       f'checkpoint: {", ".join(unknown[:10])}')
    return converted
