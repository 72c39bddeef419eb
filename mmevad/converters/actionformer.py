# Copyright (c) mmevad authors. All rights reserved.
"""Names of the released ActionFormer checkpoints (arXiv 2202.07925) <-> ours.

The released ``.pth.tar`` files hold ``state_dict`` and ``state_dict_ema``,
the moving average that the published numbers come from, under names with a
``module.`` prefix.
"""
import re
from typing import Mapping

from torch import Tensor

from .conversion import Conversion, rename_state
from .names import NameTable, within

_PAIRS = [
    ('backbone.proj.*.conv.', 'neck.backbone.projection.streams.*.'),
    ('backbone.embd.*.conv.', 'neck.backbone.projection.convs.*.'),
    ('backbone.embd_norm.', 'neck.backbone.projection.norms.'),
]
for _part in ('stem', 'branch'):
    _PAIRS += within(
        f'backbone.{_part}.*.', f'neck.backbone.{_part}.*.', {
            'ln1.': 'norm1.',
            'ln2.': 'norm2.',
            'attn.query_conv.conv.': 'attn.query_conv.',
            'attn.key_conv.conv.': 'attn.key_conv.',
            'attn.value_conv.conv.': 'attn.value_conv.',
            'attn.': 'attn.',
            'mlp.0.': 'mlp.layers.0.0.',
            'mlp.3.': 'mlp.layers.1.',
            'drop_path_attn.': 'drop_path1.',
            'drop_path_mlp.': 'drop_path2.',
            'conv1.conv.': 'conv1.',
            'conv2.conv.': 'conv2.',
            'downsample.conv.': 'downsample.',
        })
_PAIRS += within(
    'neck.', 'neck.fpn.', {
        'lateral_convs.*.conv.': 'laterals.*.',
        'fpn_convs.*.conv.': 'convs.*.',
        'fpn_norms.': 'norms.',
    })
for _part in ('cls', 'reg'):
    _PAIRS += within(f'{_part}_head.', f'head.{_part}_tower.', {
        'head.*.conv.': 'convs.*.',
        'norm.': 'norms.',
    })
_PAIRS += [
    ('cls_head.cls_head.conv.', 'head.cls_tower.out.'),
    ('reg_head.offset_head.conv.', 'head.reg_tower.out.'),
    ('reg_head.scale.', 'head.scales.'),
]
NAMES = NameTable(_PAIRS)
# 1x1 convolutions there, linear layers here
_LINEAR = re.compile(r'\.(attn\.(query|key|value|proj)|mlp\.layers\.[01.]+)'
                     r'\.weight$')
_PER_CHANNEL = re.compile(r'(norm\d?|norms\.\d+)\.(weight|bias)$|\.scale$')
# the average number of positives, in no released file
NORMALIZER = 'head.loss_normalizer'


def rename_actionformer(key: str) -> str:
    """Our name of a released tensor.

    Args:
        key (str): Released name; a ``module.`` prefix is taken off.

    Raises:
        KeyError: If there is no such tensor in the released model.
    """
    return NAMES.ours(re.sub(r'^(module\.)+', '', key))


def reshape_actionformer(name: str, value: Tensor) -> Tensor:
    """Shape of a released tensor -> that of our tensor ``name``.

    LN and scales are (1, C, 1) there, relative positions (1, 1, h, W), linear
    layers (O, I, 1).
    """
    if name.endswith('.rel_pe') and value.dim() == 4:
        return value.flatten(0, 2)
    if _LINEAR.search(name) and value.dim() == 3 and value.size(2) == 1:
        return value.squeeze(-1)
    if _PER_CHANNEL.search(name) and value.dim() == 3:
        return value.flatten()
    return value


def rename_actionformer_state(state: Mapping[str, Tensor]) -> Conversion:
    """Rename a released state dict, known tensors and others.

    Args:
        state (dict[str, Tensor]): Released names, with or without a
            ``module.`` prefix. The position table and the points, which both
            sides compute, are left out.
    """
    return rename_state(
        state,
        NAMES,
        left_out=r'(backbone\.pos_embd$|point_generator\.)',
        reshape=reshape_actionformer)


def convert_actionformer(state: Mapping[str, Tensor]) -> Conversion:
    """State dict of a released checkpoint -> that of :class:`ActionFormer`.

    The average number of positives, ``head.loss_normalizer``, is not in
    released files.

    Args:
        state (dict[str, Tensor]): See :func:`rename_actionformer_state`.

    Returns:
        Conversion: The tensors, and what was left out.

    Raises:
        KeyError: If names are unknown; lists the first ten.
    """
    return rename_actionformer_state(state).known('an ActionFormer')
