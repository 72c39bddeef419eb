# Copyright (c) mmevad authors. All rights reserved.
"""Model configs with options that are right, at an edge or wrong."""
import copy
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from hypothesis import strategies as st

from mmevad.utils.arguments import shown
from ..test_models.test_actionformer import small as actionformer
from ..test_models.test_evad import small as evad
from .test_fuzz_configs import VALUES

HUGE = 2**16
FLAGS = [False, True]
WIDTHS = [1, 2, 3, 16, 24, 25, 48, 200, HUGE]
HEADS = [1, 2, 3, 4, 16, 24, HUGE]
RATES = [0., 1e-9, 0.1, 0.5, 0.999, 1., 1.1]
WEIGHTS = [0., 1e-30, 0.5, 2, 1e6, 1e30, -1.]
KERNELS = [1, 2, 3, 5, 63, 999, 1001, HUGE - 1]

STRIDES = [(1, 2, 4, 8), (1, 2, 4), (1, 2, 4, 8, 16), (1, ), (2, 4, 8, 16),
           (1, 1, 2, 4, 8), (1, 2, 4, HUGE), (8, 4, 2, 1)]  # yapf: disable
RANGES = [[(0, 4), (4, 8), (8, 16), (16, 1e4)], [(0, 1e4)], [(4, 2)] * 4,
          [(0, 4), (4, 8), (8, 16)], [(0, 1e-9)] * 4, [(0, 1e38)] * 4,
          [(0, float('inf'))] * 4]  # yapf: disable

ACTIONFORMER: Dict[Tuple, Dict[str, list]] = {
    ('neck', ):
    dict(
        in_channels=[1, 3, 12, 24, HUGE, [12, 4], [12], [1] * 99],
        embed_dims=WIDTHS + [[8, 8], [16], [7, 9], [1, 1]],
        max_seq_len=[1, 7, 8, 16, 60, 64, 2304, 2**20, 2**21],
        arch=[(0, 1, 0), (2, 2, 3), (2, 1, 3), (0, 2, 3), (2, 2, 0),
              (1, 1, 12), (2, 0, 3), (30, 1, 3), (2, 30, 3), (2, 2, 30),
              (-1, 2, 3)],
        num_heads=HEADS,
        window_size=[-1, 0, 1, 3, 4, 5, 19, 127, 129, 65535, 2**20 - 1,
                     [5, 3, 1, -1], [5, 5, 5], [1025] * 4],
        kernel_size=KERNELS,
        with_ln=FLAGS,
        **dict.fromkeys(('dropout', 'drop_path_rate'), RATES),
        **dict.fromkeys(('use_abs_pe', 'use_rel_pe'), FLAGS),
        backbone_type=['transformer', 'conv', 'convtransformer'],
        stem_outputs=['last', 'all', 'first'],
        neck_type=['identity', 'fpn', 'pan'],
        neck_with_ln=FLAGS,
        out_channels=[None, 8, 16, 1, HUGE],
        **dict.fromkeys(('strict_mask', 'with_cp'), FLAGS),
        init_cfg=[None, [], dict(type='Xavier', layer='Linear'),
                  dict(type='Pretrained', checkpoint='no.pth')]),
    ('head', ):
    dict(
        num_classes=[1, 2, 3, 20, 1000, HUGE],
        in_channels=WIDTHS,
        feat_channels=WIDTHS,
        num_layers=[1, 2, 3, 30, 1001],
        kernel_size=KERNELS,
        with_ln=FLAGS,
        center_sample=['radius', 'none', 'Radius'],
        center_sample_radius=[1e-9, 0.5, 1.5, 1e6, 1e38, 0., -1.5],
        loss_cls=[dict(type='mmdet.FocalLoss', use_sigmoid=True,
                       reduction='sum'),
                  dict(type='mmdet.FocalLoss'),
                  dict(type='mmdet.FocalLoss', gamma=-1.),
                  dict(type='mmdet.CrossEntropyLoss'),
                  dict(type='mmdet.L1Loss', reduction='sum'),
                  dict(type='DIoULoss')],
        loss_reg=[dict(type='DIoULoss', loss_weight=0.),
                  dict(type='DIoULoss', eps=1e-300),
                  dict(type='mmdet.L1Loss', reduction='sum'),
                  dict(type='mmdet.L1Loss', reduction='none'),
                  dict(type='mmdet.GIoULoss')],
        loss_weight=WEIGHTS,
        label_smoothing=RATES,
        init_loss_norm=WEIGHTS,
        loss_norm_momentum=RATES,
        prior_prob=[1e-300, 1e-9, 0.01, 0.5, 1 - 1e-16, 0., 1.],
        empty_classes=[(), [0], [0, 1, 2], [2, 2], [3], [-1]],
        strict_mask=FLAGS,
        test_cfg=[None, {}, dict(pre_nms_topk=1), dict(pre_nms_topk=None),
                  dict(pre_nms_topk=2**40), dict(pre_nms_thresh=0.),
                  dict(pre_nms_thresh=1.), dict(duration_thresh=1e30),
                  dict(nms=None), dict(nms_thresh=0.1),
                  dict(score_fusion=dict(type='ScoreFusion'))]),
    ('head', 'point_generator'):
    dict(strides=STRIDES, regress_ranges=RANGES),
    ('head', 'test_cfg', 'nms'):
    dict(
        method=['soft', 'linear', 'hard', 'none', 'Soft'],
        sigma=[1e-300, 1e-9, 0.5, 1e30, 0., -1.],
        iou_threshold=[0., 0.1, 1., 1.1],
        min_score=[0., 0.001, 1., 1e30, -0.1],
        max_seg_num=[None, 1, 200, 2**40, 0],
        multiclass=FLAGS,
        voting_thresh=[0., 1e-9, 0.7, 1., -0.1])
}  # yapf: disable
TRANSFORMER = dict(
    img_size=[8, 16, 32, 65, 224, HUGE],
    patch_size=[1, 7, 8, 16, 32, 64, HUGE],
    num_frames=[1, 2, 4, 6, 8, 9, 16, HUGE],
    tubelet_size=[1, 2, 3, 4, 8, 16],
    embed_dims=WIDTHS,
    depth=[1, 2, 3, 4, 5, 12, 30, 1001],
    num_heads=HEADS,
    mlp_ratio=[0.01, 0.05, 1, 4., 2.5, 1e3, 1e5],
    drop_rate=RATES,
    drop_path_rate=RATES,
    with_cp=[True, [True] * 4, [True, False]])
EVAD: Dict[Tuple, Dict[str, list]] = {
    ():
    dict(
        person_score_thr=RATES,
        multiply_person_score=FLAGS,
        average_losses=FLAGS),
    ('data_preprocessor', ):
    dict(
        size_divisor=[1, 7, 16, 32, 64, 96, 512],
        mean=[[0., 0., 0.], [1.], [1., 2.], None, [1e38] * 3],
        std=[[1., 1., 1.], [2.], [1., 2.], None, [0.] * 3, [-1.] * 3,
             [1e-45] * 3],
        to_rgb=FLAGS,
        to_float32=FLAGS,
        blending=[None, dict(type='MixupBlending', num_classes=5)]),
    ('backbone', ):
    dict(
        TRANSFORMER,
        in_channels=[1, 2, 3, 4, 60, HUGE],
        qkv_bias=FLAGS,
        keep_rate=[1e-9, 0.1, 0.5, 1, 1., 0., 1.1, [0.5, 0.7], [1., 0.1],
                   [0.5]],
        prune_blocks=[(), (0, ), (3, ), (0, 1, 2, 3), (1, 1), (4, ), (-1, ),
                      (2, 1)],
        selector=['gap', 'cls', 'random', 'unified', 'GAP'],
        keyframe_weight=WEIGHTS,
        keyframe_index=[None, 0, 1, 3, 4, -1],
        out_indices=[(0, 1, 2, 3), (3, ), (2, 3), (3, 2), (), (0, 1, 2, 4)],
        map_scales=[(4, 2, 1, 0.5), (1, 1, 1, 1), (0.5, 1, 2, 4),
                    (32, 32, 32, 32), (1 / 32, ) * 4, (3, 1, 0.3, 0.7),
                    (1, ), (2, 1), (64, 2, 1, 1), (1.5, 1, 1, 1)],
        mask_padding=FLAGS,
        norm_cfg=[dict(type='LN'), dict(type='LN', eps=0.),
                  dict(type='BN'), dict(type='BN1d'), dict(type='GN'),
                  dict(type='GN', num_groups=2), dict(type='LN', eps=-1.),
                  dict(type='LN', requires_grad=False)],
        init_cfg=[None, [], dict(type='Xavier', layer='Linear'),
                  dict(type='Pretrained', checkpoint='no.pth')]),
    ('neck', ):
    dict(
        in_channels=[[24] * 4, [24] * 3, [24], [8, 16, 24, 48]],
        out_channels=WIDTHS,
        num_outs=[1, 3, 4, 5, 6, 1000],
        start_level=[0, 1, 4, -1],
        end_level=[-1, 2, 3, 4, 0],
        add_extra_convs=[False, True, 'on_input', 'on_output', 'on_air'],
        relu_before_extra_convs=FLAGS,
        no_norm_on_lateral=FLAGS,
        conv_cfg=[None, dict(type='Conv2d'), dict(type='Conv1d')],
        norm_cfg=[None, dict(type='BN'), dict(type='GN', num_groups=3),
                  dict(type='GN', num_groups=4), dict(type='LN')],
        act_cfg=[None, dict(type='ReLU'), dict(type='Nope')],
        upsample_cfg=[dict(mode='nearest'), dict(mode='bilinear'),
                      dict(mode='nope'), {}, dict(scale_factor=2)]),
    ('actor_head', ):
    dict(
        num_queries=[1, 2, 6, 100, 1000, HUGE],
        num_stages=[1, 2, 6, 1001],
        channels=WIDTHS,
        num_heads=HEADS,
        feedforward_channels=WIDTHS,
        dynamic_channels=WIDTHS,
        num_cls_fcs=[0, 1, 3, 30, 1001],
        num_reg_fcs=[0, 1, 3, 30, 1001],
        dropout=RATES,
        strides=[(4, 8, 16, 32), (4, 8, 16), (32, 16, 8, 4), (16, ) * 4,
                 (HUGE, ) * 4, (4, 8, 16, 32, 64)],
        patch_size=[1, 8, 16, 32],
        roi_size=[1, 2, 7, 14, 1000],
        zero_init_deltas=FLAGS,
        background_weight=WEIGHTS,
        assigner=[dict(type='HungarianAssigner', match_costs=[]),
                  dict(type='HungarianAssigner',
                       match_costs=dict(type='BBoxL1Cost')),
                  dict(type='HungarianAssigner',
                       match_costs=[dict(type='FocalLossCost')]),
                  dict(type='MaxIoUAssigner', pos_iou_thr=0.5,
                       neg_iou_thr=0.5)],
        loss_cls=[dict(type='CrossEntropyLoss', loss_weight=0.),
                  dict(type='CrossEntropyLoss', use_sigmoid=True),
                  dict(type='FocalLoss')],
        loss_bbox=[dict(type='L1Loss', reduction='sum'),
                   dict(type='SmoothL1Loss', beta=0.),
                   dict(type='SmoothL1Loss'), dict(type='CrossEntropyLoss')],
        loss_iou=[dict(type='DIoULoss'), dict(type='IoULoss'),
                  dict(type='CIoULoss', eps=0.), dict(type='L1Loss')]),
    ('context_decoder', ):
    dict(
        TRANSFORMER,
        in_channels=WIDTHS,
        num_classes=[1, 2, 5, 80, 1000, HUGE],
        fc_channels=WIDTHS,
        num_fcs=[0, 1, 3, 30, 1001],
        fill=['mask_token', 'zero', 'Zero'],
        token_order=['position', 'importance', 'none'],
        roi_size=[1, 2, 7, 14, 1000],
        roi_extension=[(0., 0.), (0.4, 0.2), (100, 100), (-0.1, 0), (1, )],
        loss_weight=WEIGHTS)
}  # yapf: disable


class Model(NamedTuple):
    """What is changed: a config and, by path, values of its options."""
    base: Dict[str, Any]
    options: Dict[Tuple, Dict[str, list]]
    match: Callable[[Dict[str, Any]], None] = lambda cfg: None


def _match_actionformer(cfg: Dict[str, Any]) -> None:
    """Head as the neck wants it, where options allow to say so."""
    neck, head = cfg['neck'], cfg['head']
    width = neck.get('out_channels') or neck['embed_dims']
    head['in_channels'] = sum(width) if isinstance(width, list) else width
    head['strict_mask'] = neck.get('strict_mask', False)
    _, stem, branch = neck['arch']
    stem = max(stem, 1) if neck.get('stem_outputs') == 'all' else 1
    strides = [1] * stem + [2**i for i in range(1, branch + 1)]
    head['point_generator']['strides'] = strides
    ranges = head['point_generator']['regress_ranges']
    head['point_generator']['regress_ranges'] = [
        ranges[min(i,
                   len(ranges) - 1)] for i in range(len(strides))
    ]


def _match_evad(cfg: Dict[str, Any]) -> None:
    """Parts as the backbone wants them, where options allow to say so."""
    backbone, neck = cfg['backbone'], cfg['neck']
    head, decoder = cfg['actor_head'], cfg['context_decoder']
    patch = backbone['patch_size']
    scales = backbone.get('map_scales', (4, 2, 1, 0.5))
    neck['in_channels'] = [backbone['embed_dims']] * len(scales)
    neck['num_outs'] = len(scales)
    head['channels'] = neck['out_channels']
    head['strides'] = [round(patch / scale) for scale in scales]
    head['patch_size'] = patch
    decoder['in_channels'] = backbone['embed_dims']
    for name in ('patch_size', 'num_frames', 'tubelet_size'):
        decoder[name] = backbone[name]
    cfg['data_preprocessor']['size_divisor'] = round(patch /
                                                     min(1, min(scales)))
    colours = backbone.get('in_channels', 3)
    for name in ('mean', 'std') if colours != 3 else ():
        cfg['data_preprocessor'][name] = [50.] * min(colours, 60)


MODELS = dict(
    actionformer=Model(
        dict(
            type='ActionFormer',
            neck=actionformer.neck_config(),
            head=actionformer.head_config(
                test_cfg=dict(nms=dict(type='SoftNMS')))), ACTIONFORMER,
        _match_actionformer),
    evad=Model(evad.detector_config(), EVAD, _match_evad))


def part_of(cfg: Dict[str, Any], path: Tuple) -> Any:
    """What lies at a path, None if a change has cut it off."""
    for key in path:
        try:
            cfg = cfg[key]
        except (IndexError, KeyError, TypeError):
            return None
    return cfg


@st.composite
def configs(draw: Callable, model: Model) -> Tuple[Dict, List[str]]:
    """A config with one to three changes, and what they are."""
    cfg, changes = copy.deepcopy(model.base), []
    places = [(path, name) for path, options in model.options.items()
              for name in options]
    for _ in range(draw(st.integers(1, 3))):
        path, name = draw(st.sampled_from(places))
        part = part_of(cfg, path)
        if not isinstance(part, dict):
            continue
        values = model.options[path][name]
        if draw(st.integers(0, 9)) == 0:
            values = VALUES
        part[name] = copy.deepcopy(draw(st.sampled_from(values)))
        place = '.'.join(map(str, (*path, name)))
        changes.append(f'{place}={shown(part[name])}')
    if draw(st.integers(0, 3)):  # mostly, so that more of them can be built
        try:
            model.match(cfg)
        except (ArithmeticError, AttributeError, LookupError, TypeError,
                ValueError):
            pass  # of no type that could be matched
    return cfg, changes
