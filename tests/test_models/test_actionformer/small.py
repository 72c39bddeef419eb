"""Small ActionFormers and batches that the tests share."""
import torch
from mmengine.structures import InstanceData

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

CHANNELS, CLASSES, MAX_LEN = 12, 3, 64
STRIDES = (1, 2, 4, 8)
RANGES = ((0, 4), (4, 8), (8, 16), (16, 1e4))


def neck_config(**kwargs):
    cfg = dict(
        type='ActionFormerNeck',
        in_channels=CHANNELS,
        embed_dims=16,
        max_seq_len=MAX_LEN,
        arch=(2, 2, 3),
        num_heads=2,
        window_size=5,
        drop_path_rate=0.)
    return dict(cfg, **kwargs)


def head_config(strides=STRIDES, ranges=RANGES, **kwargs):
    cfg = dict(
        type='ActionFormerHead',
        num_classes=CLASSES,
        in_channels=16,
        feat_channels=16,
        prior_prob=0.3,
        point_generator=dict(
            type='PointGenerator', strides=strides, regress_ranges=ranges))
    return dict(cfg, **kwargs)


def build(neck=None, head=None, seed=0):
    """A model with weights larger than the initial ones.

    LN has a bias, so that padding would be seen.
    """
    torch.manual_seed(seed)
    model = MODELS.build(
        dict(
            type='ActionFormer',
            neck=neck_config(**(neck or {})),
            head=head_config(**(head or {}))))
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.5)
    return model.eval()


def sample(name='v', segments=(), labels=()):
    result = ActionDataSample(
        metainfo=dict(
            video_name=name,
            duration=500.,
            fps=30.,
            feat_stride=4.,
            num_frames=16.))
    result.gt_instances = InstanceData(
        segments=torch.tensor(segments, dtype=torch.float32).view(-1, 2),
        labels=torch.tensor(labels, dtype=torch.int64))
    return result


def features(*lengths, seed=1, channels=CHANNELS):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(channels, n, generator=rng) for n in lengths]
