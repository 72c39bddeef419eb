# Copyright (c) mmevad authors. All rights reserved.
"""Small recognizers of mmaction2 with random weights."""
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

SLOWONLY = dict(
    type='ResNet3dSlowOnly',
    depth=18,
    base_channels=4,
    lateral=False,
    conv1_kernel=(1, 7, 7),
    inflate=(0, 0, 1, 1),
    norm_eval=False)
SLOWFAST = dict(
    type='ResNet3dSlowFast',
    resample_rate=4,
    speed_ratio=4,
    channel_ratio=4,
    slow_pathway=dict(
        type='resnet3d',
        depth=18,
        base_channels=8,
        lateral=True,
        conv1_kernel=(1, 7, 7),
        inflate=(0, 0, 1, 1)),
    fast_pathway=dict(
        type='resnet3d',
        depth=18,
        base_channels=2,
        lateral=False,
        conv1_kernel=(5, 7, 7)))
VIT = dict(
    type='VisionTransformer',
    img_size=32,
    embed_dims=16,
    depth=2,
    num_heads=2,
    num_frames=4)
TSN = dict(type='ResNet', depth=18, norm_eval=False)


def make_config(backbone, channels=32, crop=None, **sample):
    """A config of mmaction2 with a test pipeline of 4 frames of 32x32."""
    two = backbone is TSN
    sample = sample or dict(clip_len=4, frame_interval=3)
    return Config(
        dict(
            default_scope='mmaction',
            model=dict(
                type='Recognizer2D' if two else 'Recognizer3D',
                backbone=backbone,
                cls_head=dict(
                    type='TSNHead' if two else 'I3DHead',
                    num_classes=5,
                    in_channels=channels),
                data_preprocessor=dict(
                    type='ActionDataPreprocessor',
                    mean=[120., 110., 100.],
                    std=[60., 55., 50.],
                    format_shape='NCHW' if two else 'NCTHW')),
            test_dataloader=dict(
                dataset=dict(
                    type='VideoDataset',
                    pipeline=[
                        dict(type='DecordInit'),
                        dict(type='SampleFrames', test_mode=True, **sample),
                        dict(type='DecordDecode'),
                        dict(type='Resize', scale=(-1, 32)),
                        dict(
                            **(crop or dict(type='CenterCrop')), crop_size=32),
                        dict(
                            type='FormatShape',
                            input_format='NCHW' if two else 'NCTHW'),
                        dict(type='PackActionInputs')
                    ]))))


def write_weights(path, cfg):
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model.copy())
    for layer in model.modules():  # statistics that are not 0 and 1
        if hasattr(layer, 'running_mean'):
            layer.running_mean.normal_()
            layer.running_var.uniform_(.5, 2)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)
