# Copyright (c) mmevad authors. All rights reserved.
"""A small ActionFormer with random weights for features of small.py."""
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

CLASSES = ('run', 'sit', 'eat')
CHANNELS = 32  # of recognizers.SLOWONLY
STRIDE, FRAMES = 2, 12


def make_tal_config(channels=CHANNELS, **dataset):
    dataset = dict(
        dict(feat_stride=STRIDE, num_frames=FRAMES, feat_dims=channels),
        **dataset)
    return Config(
        dict(
            default_scope='mmaction',
            model=dict(
                type='ActionFormer',
                neck=dict(
                    type='ActionFormerNeck',
                    in_channels=channels,
                    embed_dims=16,
                    max_seq_len=16,
                    arch=(1, 1, 1),
                    num_heads=2,
                    window_size=5),
                head=dict(
                    type='ActionFormerHead',
                    num_classes=3,
                    in_channels=16,
                    feat_channels=16,
                    point_generator=dict(
                        type='PointGenerator',
                        strides=(1, 2),
                        regress_ranges=((0, 4), (4, 10000))),
                    test_cfg=dict(
                        pre_nms_thresh=0.,
                        pre_nms_topk=50,
                        duration_thresh=0.05,
                        nms=dict(
                            type='SoftNMS',
                            method='soft',
                            sigma=0.5,
                            min_score=0.,
                            max_seg_num=20,
                            multiclass=True,
                            voting_thresh=0.7)))),
            test_dataloader=dict(
                dataset=dict(
                    type='SegmentDataset',
                    pipeline=[
                        dict(type='LoadSegmentFeatures'),
                        dict(type='SecondsToGrid'),
                        dict(type='PackSegmentInputs')
                    ],
                    **dataset))))


def write_tal_weights(path, cfg, classes=CLASSES):
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(cfg.copy().model)
    for value in model.parameters():
        torch.nn.init.normal_(value, std=.2)
    meta = dict(dataset_meta=dict(classes=classes))
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
    return str(path)
