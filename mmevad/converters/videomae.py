# Copyright (c) mmevad authors. All rights reserved.
"""Names of VideoMAE backbones, v1 and v2, <-> those of our ViT.

Ours are mmaction2's (``vit_mae.py``). The forms that are read:

========================  ====================================================
file                      names
========================  ====================================================
v1 and v2, pretrained     ``encoder.blocks.0.mlp.fc1.weight``, ``encoder.norm``
                          and a decoder, under ``model``
v1 and v2, fine-tuned     ``blocks.0.mlp.fc1.weight``, ``fc_norm`` (``norm``
                          where tokens are not averaged) and ``head``, under
                          ``module`` or ``model``; so is v2's distilled ViT-B
mmaction2                 ``backbone.blocks.0.mlp.layers.0.0.weight``,
                          ``backbone.fc_norm`` or ``backbone.norm``,
                          ``backbone.pos_embed``, under ``state_dict``
========================  ====================================================

All have fixed sine-cosine positions, which only mmaction2 stores, and learned
q and v biases beside ``qkv.weight``. ViT-B and ViT-L differ in sizes only.
"""
from typing import Dict, Mapping

from torch import Tensor

from .conversion import Conversion, rename_state
from .names import NameTable

POSITIONS = 'pos_embed'
NAMES = NameTable([
    ('patch_embed.proj.', 'patch_embed.projection.'),
    ('patch_embed.', 'patch_embed.'),
    ('blocks.*.mlp.fc1.', 'blocks.*.mlp.layers.0.0.'),
    ('blocks.*.mlp.fc2.', 'blocks.*.mlp.layers.1.'),
    ('blocks.', 'blocks.'),
    ('norm.', 'norm.'),
    ('fc_norm.', 'norm.'),
    ('cls_token', 'cls_token'),
    (POSITIONS, POSITIONS),
])
# heads, decoders and what else is not of the backbone
_OTHERS = r'(?!(patch_embed|blocks|norm|fc_norm)\.|(cls_token|pos_embed)$)'


def rename_videomae_state(state: Mapping[str, Tensor]) -> Conversion:
    """Rename a state dict, the backbone's tensors and others.

    Args:
        state (dict[str, Tensor]): In one of the forms above, with or without
            a ``module.`` prefix. What is not of the backbone is left out;
            ``pos_embed`` is kept, to be compared with the computed one.
    """
    return rename_state(
        state,
        NAMES,
        left_out=_OTHERS,
        prefixes=r'(module\.|backbone\.|encoder\.)+')


def convert_videomae(state: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """State dict of a VideoMAE file -> that of our ViT.

    Args:
        state (dict[str, Tensor]): See :func:`rename_videomae_state`.

    Returns:
        dict[str, Tensor]: The backbone's tensors, without positions.

    Raises:
        KeyError: If a tensor comes twice; lists the first ten.
    """
    converted = rename_videomae_state(state).known('a VideoMAE').state_dict
    return {k: v for k, v in converted.items() if k != POSITIONS}
