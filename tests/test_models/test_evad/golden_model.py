"""Builds EVAD from a reference folder and records what flows through it."""
import json
import os
from pathlib import Path

import numpy as np
import torch
from mmengine.structures import InstanceData

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmevad.converters import convert_evad
from mmevad.models.evad.boxes import extend_boxes

ROOT = Path(
    os.environ.get('MMEVAD_GOLDEN',
                   Path(__file__).parents[2] / 'data' / 'golden')) / 'evad'


def load(name):
    """Arrays of ROOT/name by name, {} if there is no such file."""
    path = ROOT / name
    if not path.exists():
        return {}
    with np.load(path) as arrays:
        return {k: arrays[k] for k in arrays.files}


def model_config(cfg, keyframe_weight, token_order):
    """tiny_config.json -> config of EVAD."""
    crd, weights = cfg['crd'], cfg['loss_weights']
    rates = {i: r for i, r in enumerate(cfg['keep_rates']) if r < 1}
    clip = dict(
        img_size=cfg['pretrain_img_size'],
        patch_size=cfg['patch'],
        num_frames=cfg['frames'],
        tubelet_size=cfg['tubelet'])
    width = int(str(cfg['fpn_out_channels']).split()[0])  # a note follows
    return dict(
        type='EVAD',
        average_losses=True,
        data_preprocessor=dict(type='EVADDataPreprocessor'),
        backbone=dict(
            type='KeyframeTokenPruneViT',
            in_channels=cfg['in_channels'],
            embed_dims=cfg['embed_dim'],
            depth=cfg['depth'],
            num_heads=cfg['num_heads'],
            mlp_ratio=cfg['mlp_ratio'],
            qkv_bias=cfg['qkv_bias'],
            drop_path_rate=cfg['drop_path'],
            keep_rate=list(rates.values()),
            prune_blocks=list(rates),
            keyframe_weight=keyframe_weight,
            out_indices=cfg['fpn_indices'],
            **clip),
        neck=dict(
            type='KeyframeFPN',
            in_channels=[cfg['embed_dim']] * 4,
            out_channels=width,
            num_outs=4),
        actor_head=dict(
            type='QueryActorHead',
            num_queries=cfg['num_proposals'],
            num_stages=cfg['num_rcnn_heads'],
            channels=cfg['hidden_dim'],
            num_heads=cfg['nheads'],
            feedforward_channels=cfg['dim_feedforward'],
            dynamic_channels=cfg['dim_dynamic'],
            num_cls_fcs=cfg['num_cls'],
            num_reg_fcs=cfg['num_reg'],
            roi_size=cfg['pooler_resolution'],
            background_weight=weights['no_object'],
            assigner=dict(
                type='HungarianAssigner',
                match_costs=[
                    dict(type='ClassificationCost', weight=weights['ce']),
                    dict(
                        type='BBoxL1Cost',
                        weight=weights['bbox'],
                        box_format='xyxy'),
                    dict(
                        type='IoUCost',
                        iou_mode='giou',
                        weight=weights['giou'])
                ]),
            loss_cls=dict(type='CrossEntropyLoss', loss_weight=weights['ce']),
            loss_bbox=dict(type='L1Loss', loss_weight=weights['bbox']),
            loss_iou=dict(type='GIoULoss', loss_weight=weights['giou'])),
        context_decoder=dict(
            type='ContextRefineDecoder',
            in_channels=cfg['embed_dim'],
            embed_dims=crd['embed_dim'],
            depth=crd['depth'],
            num_heads=crd['num_heads'],
            num_classes=cfg['num_action_classes'],
            mlp_ratio=crd['mlp_ratio'],
            drop_path_rate=0.,
            fc_channels=crd['act_fc_dim'],
            num_fcs=crd['num_act'],
            token_order=token_order,
            roi_size=crd['roi_resolution'],
            roi_extension=crd['roi_extension'],
            loss_weight=weights['bce'],
            **clip))


def with_clip(boxes):
    """(B, n, 4) -> (B*n, 5), the clip's index in front."""
    index = torch.arange(len(boxes), device=boxes.device)
    index = index.repeat_interleave(boxes.size(1))[:, None]
    return torch.cat((index, boxes.flatten(0, 1)), 1)


class Reference:
    """One reference folder: configuration, weights, inputs."""

    def __init__(self, device='cpu'):
        self.cfg = json.loads((ROOT / 'tiny_config.json').read_text())
        self.arrays = load('evad_tiny.npz')
        self.device = device

    def build(self, keyframe_weight=1., token_order='importance', **backbone):
        """The model with the released weights."""
        cfg = model_config(self.cfg, keyframe_weight, token_order)
        cfg['backbone'].update(backbone)
        model = MODELS.build(cfg)
        state = {
            k[len('state/'):]: torch.from_numpy(v)
            for k, v in self.arrays.items() if k.startswith('state/')
        }
        model.load_state_dict(convert_evad(state), strict=True)
        return model.to(self.device)

    def batch(self, model, ground_truth=None):
        """Padded clips and samples, from the model's preprocessor."""
        clips, samples = [], []
        while f'in/clip_{len(clips)}' in self.arrays:
            i = len(clips)
            clips.append(torch.from_numpy(self.arrays[f'in/clip_{i}']))
            meta = dict(
                img_key=i, ori_shape=tuple(self.arrays['in/ori_hw'][i]))
            sample = ActionDataSample(metainfo=meta)
            if ground_truth is not None:
                sample.gt_instances = InstanceData(
                    bboxes=torch.from_numpy(
                        ground_truth[f'in/gt_boxes_{i}']).float(),
                    labels=torch.from_numpy(
                        ground_truth[f'in/gt_labels_{i}']).float())
            samples.append(sample)
        data = model.data_preprocessor(
            dict(inputs=clips, data_samples=samples))
        return data['inputs'], data['data_samples']


class Recorder:
    """Runs EVAD and keeps every intermediate, under the golden names."""

    def __init__(self, model):
        self.model = model
        self.out = {}
        self._runs = {'stage': 0, 'block': 0}
        for owner, name in ((model.backbone, '_embed'), (model.backbone,
                                                         '_run_block'),
                            (model.backbone, '_attend_and_score'),
                            (model, 'neck'), (model.actor_head, 'loss'),
                            (model.actor_head.roi_extractor,
                             'pool'), (model.context_decoder, 'remap'),
                            (model.context_decoder, 'pool')):
            self._wrap(owner, name)
        model.backbone.register_forward_hook(self._backbone)
        for i, block in enumerate(model.context_decoder.blocks):
            block.register_forward_hook(self._keep(f'crd_tokens_block{i}'))

    def _keep(self, name):

        def hook(module, args, output):
            self.out[name] = output

        return hook

    def _wrap(self, owner, name):
        inner = getattr(owner, name)
        record = getattr(self, f'_on_{name.strip("_")}_'
                         f'{type(owner).__name__}')

        if isinstance(inner, torch.nn.Module):
            inner.register_forward_hook(lambda m, a, out: record(a, out))
            return

        def call(*args, **kwargs):
            result = inner(*args, **kwargs)
            record(args, result)
            return result

        object.__setattr__(owner, name, call)

    def _on_embed_KeyframeTokenPruneViT(self, args, result):
        x, ids, grid = result
        self.out['tokens_embed'] = x
        self.spot = grid[1] * grid[2]
        self.key = grid[0] // 2
        model = self.model
        self.out['pos_embed_backbone_interp'] = model.backbone.position(grid)
        self.out['pos_embed_crd_interp'] = model.context_decoder.position(grid)

    def context_ids(self, ids):
        """Places -> index among the tokens outside the keyframe."""
        ids = ids[:, self.spot:]
        return ids - self.spot * (ids >= self.key * self.spot)

    def _on_attend_and_score_KeyframeTokenPruneViT(self, args, result):
        self._scores = result[1][:, self.spot:]

    def _on_run_block_KeyframeTokenPruneViT(self, args, result):
        number, before = args[0], self.context_ids(args[2])
        after = self.context_ids(result[1])
        self.out[f'tokens_block{number}'] = result[0]
        if args[4] is not None:
            self.out[f'prune_block{number}_scores'] = self._scores
            self.out[f'idx_block{number}'] = after
            self.out[f'prune_block{number}_local_idx'] = (
                after[:, :, None] == before[:, None]).float().argmax(-1)

    def _backbone(self, module, args, video):
        self.out['tokens_norm'] = video.tokens
        self.video = video
        for i, level in enumerate(video.keyframe_maps):
            self.out[f'fpn_res{i + 2}'] = level

    def _on_neck_EVAD(self, args, result):
        for i, level in enumerate(result):
            self.out[f'fpn_p{i + 2}'] = level

    def _on_pool_KeyframeRoIExtractor(self, args, result):
        stage, boxes = self._runs['stage'], args[1]
        if stage == 0:
            self.out['proposal_boxes_abs'] = boxes
        head = self.model.actor_head.roi_extractor
        self.out[f'head{stage}_rois'] = with_clip(boxes)
        self.out[f'head{stage}_roi_level'] = head.map_roi_levels(
            boxes).flatten()
        self.out[f'head{stage}_roi_features'] = result
        self._runs['stage'] += 1

    def _on_remap_ContextRefineDecoder(self, args, result):
        self.out['crd_x_full'], self.out['crd_vis_tokens'] = result

    def _on_pool_ContextRefineDecoder(self, args, result):
        _, boxes, whwh, _ = args
        self.out['roi_features'] = result
        self.out['crd_rois'] = with_clip(
            extend_boxes(boxes, whwh,
                         self.model.context_decoder.roi_extension))

    def _on_loss_QueryActorHead(self, args, result):
        self.stages = args[0]
        self.matches = result[1]

    def add_outputs(self, stages, logits):
        """Results of the heads."""
        for i, actors in enumerate(stages):
            self.out[f'head{i}_class_logits'] = actors.logits
            self.out[f'head{i}_pred_bboxes'] = actors.boxes
            self.out[f'head{i}_obj_features'] = actors.features
        for i, level in enumerate(logits):
            self.out[f'action_logits_{i}'] = level
