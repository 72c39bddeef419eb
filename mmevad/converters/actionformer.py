# Copyright (c) mmevad authors. All rights reserved.
"""Names of the released ActionFormer checkpoints -> ours."""
import re
from typing import Dict, List, Mapping, NamedTuple

from torch import Tensor

_BLOCK = r'^backbone\.(stem|branch)\.(\d+)\.'
_OURS = r'neck.backbone.\1.\2.'

# the first pattern that matches names the tensor
_RENAMES = (
    (r'^backbone\.proj\.(\d+)\.conv\.',
     r'neck.backbone.projection.streams.\1.'),
    (r'^backbone\.embd\.(\d+)\.conv\.', r'neck.backbone.projection.convs.\1.'),
    (r'^backbone\.embd_norm\.', r'neck.backbone.projection.norms.'),
    (_BLOCK + r'ln([12])\.', _OURS + r'norm\3.'),
    (_BLOCK + r'attn\.(query|key|value)_conv\.conv\.',
     _OURS + r'attn.\3_conv.'),
    (_BLOCK + r'attn\.', _OURS + r'attn.'),
    (_BLOCK + r'mlp\.0\.', _OURS + r'mlp.layers.0.0.'),
    (_BLOCK + r'mlp\.3\.', _OURS + r'mlp.layers.1.'),
    (_BLOCK + r'drop_path_attn\.', _OURS + r'drop_path1.'),
    (_BLOCK + r'drop_path_mlp\.', _OURS + r'drop_path2.'),
    (_BLOCK + r'(conv1|conv2|downsample)\.conv\.', _OURS + r'\3.'),
    (r'^neck\.lateral_convs\.(\d+)\.conv\.', r'neck.fpn.laterals.\1.'),
    (r'^neck\.fpn_convs\.(\d+)\.conv\.', r'neck.fpn.convs.\1.'),
    (r'^neck\.fpn_norms\.', r'neck.fpn.norms.'),
    (r'^(cls|reg)_head\.head\.(\d+)\.conv\.', r'head.\1_tower.convs.\2.'),
    (r'^(cls|reg)_head\.norm\.', r'head.\1_tower.norms.'),
    (r'^cls_head\.cls_head\.conv\.', r'head.cls_tower.out.'),
    (r'^reg_head\.offset_head\.conv\.', r'head.reg_tower.out.'),
    (r'^reg_head\.scale\.', r'head.scales.'),
)
# tables that both sides compute anew
_COMPUTED = re.compile(r'^(backbone\.pos_embd$|point_generator\.)')
# 1x1 convolutions there, linear layers here
_LINEAR = re.compile(r'\.(attn\.(query|key|value|proj)|mlp\.layers\.[01.]+)'
                     r'\.weight$')
NORMALIZER = 'head.loss_normalizer'


class Conversion(NamedTuple):
    """Tensors under our names, and released names that were left out."""
    state_dict: Dict[str, Tensor]
    left_out: List[str]


def rename_actionformer(key: str) -> str:
    """Our name of a released tensor.

    Args:
        key (str): Released name; a ``module.`` prefix is taken off.

    Raises:
        KeyError: If there is no such tensor in the released model.
    """
    key = re.sub(r'^(module\.)+', '', key)
    for pattern, name in _RENAMES:
        if re.match(pattern, key):
            return re.sub(pattern, name, key)
    raise KeyError(key)


def reshape_actionformer(name: str, value: Tensor) -> Tensor:
    """Shape of a released tensor -> that of our tensor ``name``.

    LN and scales are (1, C, 1) there, relative positions (1, 1, h, W), linear
    layers (O, I, 1).
    """
    if name.endswith('.rel_pe'):
        return value.reshape(value.shape[-2:])
    if _LINEAR.search(name):
        return value.squeeze(-1)
    if value.dim() == 3 and value.size(0) == 1 and value.size(2) == 1:
        return value.flatten()
    return value


def convert_actionformer(state: Mapping[str, Tensor]) -> Conversion:
    """State dict of a released checkpoint -> that of :class:`ActionFormer`.

    The average number of positives, ``head.loss_normalizer``, is not in
    released files.

    Args:
        state (dict[str, Tensor]): Released names, with or without a
            ``module.`` prefix.

    Returns:
        Conversion: The tensors, and names of the position table and the
        points, which are computed.

    Raises:
        KeyError: If names are unknown; lists the first ten.
    """
    converted, left_out, unknown = {}, [], []
    for key, value in state.items():
        key = re.sub(r'^(module\.)+', '', key)
        if _COMPUTED.match(key):
            left_out.append(key)
            continue
        try:
            name = rename_actionformer(key)
        except KeyError:
            unknown.append(key)
        else:
            converted[name] = reshape_actionformer(name, value)
    if unknown:
        raise KeyError(f'{len(unknown)} tensors are not of an ActionFormer '
                       f'checkpoint: {", ".join(unknown[:10])}')
    return Conversion(converted, left_out)
