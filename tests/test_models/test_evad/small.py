"""Small models and batches that the tests share."""
import torch
from mmengine.structures import InstanceData

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

CLIP = dict(img_size=64, patch_size=16, num_frames=8, tubelet_size=2)
CLASSES = 5


def backbone_config(**kwargs):
    cfg = dict(
        type='KeyframeTokenPruneViT',
        embed_dims=24,
        depth=4,
        num_heads=2,
        drop_path_rate=0.,
        keep_rate=0.7,
        prune_blocks=(1, 2),
        out_indices=(0, 1, 2, 3),
        **CLIP)
    cfg.update(kwargs)
    return cfg


def build_backbone(seed=0, **kwargs):
    torch.manual_seed(seed)
    model = MODELS.build(backbone_config(**kwargs))
    model.init_weights()
    # larger weights than the initial ones, so that tokens really differ
    with torch.no_grad():
        for block in model.blocks:
            block.attn.qkv.weight.normal_(0, 0.2)
    return model.eval()


def detector_config(backbone=None, decoder=None, **kwargs):
    kwargs.setdefault('person_score_thr', 0.)
    return dict(
        type='EVAD',
        data_preprocessor=dict(
            type='EVADDataPreprocessor', mean=[114.75] * 3, std=[57.375] * 3),
        backbone=backbone_config(**(backbone or {})),
        neck=dict(
            type='KeyframeFPN',
            in_channels=[24] * 4,
            out_channels=16,
            num_outs=4),
        actor_head=dict(
            type='QueryActorHead',
            num_queries=6,
            num_stages=2,
            channels=16,
            num_heads=2,
            feedforward_channels=32,
            dynamic_channels=8),
        context_decoder=dict(
            type='ContextRefineDecoder',
            in_channels=24,
            embed_dims=16,
            depth=2,
            num_heads=2,
            num_classes=CLASSES,
            fc_channels=32,
            drop_path_rate=0.,
            **CLIP,
            **(decoder or {})),
        **kwargs)


def build_detector(seed=0, **kwargs):
    torch.manual_seed(seed)
    model = MODELS.build(detector_config(**kwargs))
    model.init_weights()
    with torch.no_grad():  # boxes that differ and lie inside the image
        for block in model.backbone.blocks:
            block.attn.qkv.weight.normal_(0, 0.2)
        boxes = model.actor_head.proposal_boxes.weight
        boxes[:, :2].uniform_(0.3, 0.7)
        boxes[:, 2:].uniform_(0.2, 0.6)
    return model.eval()


def raw_batch(sizes=((64, 96), (50, 70)), num_gts=(2, 3), seed=1):
    """Clips of uint8 noise and samples, as a dataloader collates them."""
    rng = torch.Generator().manual_seed(seed)
    clips, samples = [], []
    for i, (height, width) in enumerate(sizes):
        clips.append(
            torch.randint(
                0,
                256, (3, 8, height, width),
                generator=rng,
                dtype=torch.uint8))
        sample = ActionDataSample(metainfo=dict(img_key=f'v,{i}'))
        count = num_gts[i]
        corner = torch.rand(count, 2, generator=rng) * 20
        side = torch.rand(count, 2, generator=rng) * 25 + 5
        labels = (torch.rand(count, 1 + CLASSES, generator=rng) > 0.5).float()
        sample.gt_instances = InstanceData(
            bboxes=torch.cat((corner, corner + side), 1), labels=labels)
        samples.append(sample)
    return dict(inputs=clips, data_samples=samples)


def run(model, data, mode):
    data = model.data_preprocessor(data)
    return model(data['inputs'], data['data_samples'], mode=mode)
