# Copyright (c) mmevad authors. All rights reserved.
"""Whether the parts of EVAD go together."""
from typing import Any, Iterator, List, Tuple

from torch import nn

from mmevad.utils.ranges import MAX_VALUES, require_total

# what is wrong: option, its part, what it is, who asks for what
Rule = Tuple[str, Any, str, Any]


def check_parts(data_preprocessor: nn.Module, backbone: nn.Module,
                neck: nn.Module, actor_head: nn.Module,
                context_decoder: nn.Module) -> None:
    """Compare what the parts say of themselves.

    Parts that are not ours may not say anything.

    Raises:
        ValueError: If widths, sizes or strides do not go together, or
            actors take far too much memory.
    """
    for rules in (_widths(backbone, neck, actor_head, context_decoder),
                  _sizes(data_preprocessor, backbone,
                         context_decoder), _levels(backbone, neck,
                                                   actor_head)):
        for name, got, source, wanted in rules:
            if None not in (got, wanted) and got != wanted:
                raise ValueError(
                    f'{name} is {got}, but {source} ask for {wanted}')
    _check_padding(data_preprocessor, backbone, neck)
    _check_memory(actor_head, context_decoder)


def _of(part: nn.Module, *names: str) -> Any:
    """An attribute of an attribute, None if a part has none."""
    for name in names:
        part = getattr(part, name, None)
    return list(part) if isinstance(part, tuple) else part


def _widths(backbone: nn.Module, neck: nn.Module, actor_head: nn.Module,
            context_decoder: nn.Module) -> Iterator[Rule]:
    width = _of(backbone, 'embed_dims')
    indices = _of(backbone, 'out_indices') or ()
    yield ('in_channels of neck', _of(neck, 'in_channels'),
           'maps of the backbone', width and [width] * len(indices))
    yield ('channels of actor_head', _of(actor_head, 'channels'),
           'out_channels of the neck', _of(neck, 'out_channels'))
    yield ('in_channels of context_decoder', _of(context_decoder,
                                                 'in_channels'),
           'embed_dims of the backbone', width)


def _sizes(data_preprocessor: nn.Module, backbone: nn.Module,
           context_decoder: nn.Module) -> Iterator[Rule]:
    grid = _of(backbone, 'position', 'grid')
    own_grid = _of(context_decoder, 'position', 'grid')
    yield ('num_frames // tubelet_size of context_decoder', own_grid
           and own_grid[0], 'clips of the backbone', grid and grid[0])
    scale = _of(context_decoder, 'roi_align', 'spatial_scale')
    yield ('patch_size of context_decoder', scale
           and round(1 / scale), 'patches of the backbone',
           _of(backbone, 'patch_size'))
    mean = _of(data_preprocessor, 'mean')
    projection = _of(backbone, 'patch_embed', 'projection')
    if mean is not None and len(mean) > 1:
        yield ('length of mean of data_preprocessor', len(mean),
               'in_channels of the backbone', _of(projection, 'in_channels'))


def _levels(backbone: nn.Module, neck: nn.Module,
            actor_head: nn.Module) -> Iterator[Rule]:
    strides = _of(actor_head, 'roi_extractor', 'featmap_strides')
    yield ('num_outs of neck', _of(neck, 'num_outs'), 'strides of actor_head',
           strides and len(strides))
    patch, scales = _of(backbone, 'patch_size'), _of(backbone, 'map_scales')
    first, last = _of(neck, 'start_level'), _of(neck, 'backbone_end_level')
    if strides is None or None in (patch, scales, first, last):
        return
    steps: List[float] = [patch / scale for scale in scales[first:last]]
    while len(steps) < len(strides):  # levels that the neck adds
        steps.append(2 * steps[-1])
    steps = [round(step, 3) for step in steps]
    if steps != strides:
        yield 'strides of actor_head', strides, 'levels of the neck', steps


def _check_padding(data_preprocessor: nn.Module, backbone: nn.Module,
                   neck: nn.Module) -> None:
    wanted = _of(backbone, 'size_divisor')
    got = _of(data_preprocessor, 'size_divisor')
    if None not in (got, wanted) and got % wanted:
        raise ValueError(f'size_divisor={got} of data_preprocessor is not a '
                         f'multiple of {wanted}, which patch_size and '
                         'map_scales of the backbone ask for')
    levels = _of(neck, 'lateral_convs')
    if getattr(backbone, 'mask_padding', False) and levels is not None and (
            len(levels) != neck.num_ins or neck.num_outs != neck.num_ins):
        raise ValueError('mask_padding of the backbone wants one level of '
                         'the neck for each map: leave out start_level, '
                         'end_level and more num_outs')


def _check_memory(actor_head: nn.Module, context_decoder: nn.Module) -> None:
    align = _of(context_decoder, 'roi_align')
    queries = _of(actor_head, 'proposal_boxes', 'num_embeddings')
    bins = _of(align, 'output_size')
    if None in (queries, bins):
        return
    grid = _of(context_decoder, 'position', 'grid') or [1]
    samples = (2 * align.sampling_ratio)**2
    require_total(
        MAX_VALUES,
        queries * grid[0] * bins[0] * bins[1] * samples,
        'samples of a clip',
        num_queries=queries,
        roi_size=bins[0],
        time_slices=grid[0])
