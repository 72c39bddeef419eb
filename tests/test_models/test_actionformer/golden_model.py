"""Builds ActionFormer from a reference folder."""
import json
import os
from pathlib import Path

import numpy as np
import torch
from mmengine.structures import InstanceData

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmevad.converters import convert_actionformer

ROOT = Path(
    os.environ.get(
        'MMEVAD_GOLDEN',
        Path(__file__).parents[2] / 'data' / 'golden')) / 'actionformer'
GRID = dict(fps=30., feat_stride=4., num_frames=16.)


def load(name):
    """Arrays of ROOT/name by name, {} if there is no such file."""
    path = ROOT / name
    if not path.exists():
        return {}
    with np.load(path) as arrays:
        return {k: arrays[k] for k in arrays.files}


def load_json(name):
    """Content of ROOT/name, {} if there is no such file."""
    path = ROOT / name
    return json.loads(path.read_text()) if path.exists() else {}


def nms_config(cfg):
    """Released test settings -> config of SoftNMS."""
    return dict(
        type='SoftNMS',
        method=cfg['nms_method'],
        sigma=cfg['nms_sigma'],
        iou_threshold=cfg['iou_threshold'],
        min_score=cfg['min_score'],
        max_seg_num=cfg['max_seg_num'],
        multiclass=cfg['multiclass_nms'],
        voting_thresh=cfg['voting_thresh'])


def model_config(cfg, head=None, test=None):
    """Released settings -> config of ActionFormer."""
    train, test = cfg['train_cfg'], {**cfg['test_cfg'], **(test or {})}
    strides = [
        cfg['scale_factor']**i for i in range(len(cfg['regression_range']))
    ]
    backbones = dict(convTransformer='transformer', conv='conv')
    cfg = dict(
        type='ActionFormer',
        neck=dict(
            type='ActionFormerNeck',
            in_channels=cfg['input_dim'],
            embed_dims=cfg['embd_dim'],
            max_seq_len=cfg['max_seq_len'],
            arch=cfg['backbone_arch'],
            num_heads=cfg['n_head'],
            window_size=cfg['n_mha_win_size'],
            kernel_size=cfg['embd_kernel_size'],
            with_ln=cfg['embd_with_ln'],
            dropout=train['dropout'],
            drop_path_rate=train['droppath'],
            use_abs_pe=cfg['use_abs_pe'],
            use_rel_pe=cfg['use_rel_pe'],
            backbone_type=backbones[cfg['backbone_type']],
            neck_type=cfg['fpn_type'],
            neck_with_ln=cfg['fpn_with_ln'],
            out_channels=cfg['fpn_dim']),
        head=dict(
            type='ActionFormerHead',
            num_classes=cfg['num_classes'],
            in_channels=cfg['fpn_dim'],
            feat_channels=cfg['head_dim'],
            num_layers=cfg['head_num_layers'],
            kernel_size=cfg['head_kernel_size'],
            with_ln=cfg['head_with_ln'],
            point_generator=dict(
                type='PointGenerator',
                strides=strides,
                regress_ranges=cfg['regression_range']),
            center_sample=train['center_sample'],
            center_sample_radius=train['center_sample_radius'],
            loss_weight=train['loss_weight'],
            label_smoothing=train['label_smoothing'],
            init_loss_norm=train['init_loss_norm'],
            prior_prob=train['cls_prior_prob'],
            empty_classes=train['head_empty_cls'],
            test_cfg=dict(
                pre_nms_thresh=test['pre_nms_thresh'],
                pre_nms_topk=test['pre_nms_topk'],
                duration_thresh=test['duration_thresh'],
                nms=nms_config(test))))
    cfg['head'].update(head or {})
    return cfg


def without_drop_path(model):
    """The scales stay, nothing is dropped."""
    for module in model.modules():
        if hasattr(module, 'drop_prob'):
            module.drop_prob = 0.
    return model


class Reference:
    """One tiny model: configuration, weights, inputs; all empty if there are
    no such files."""

    def __init__(self, variant='base'):
        configs = load_json('tiny_configs.json')
        self.cfg = configs.get('configs', {}).get(variant)
        self.results = configs.get('result_configs')
        self.inputs = load('tiny_base.npz')
        self.arrays = self.inputs
        if variant != 'base':
            self.arrays = load(f'tiny_variant_{variant}.npz')

    def build(self, head=None, test=None):
        """The model with the reference weights."""
        model = MODELS.build(model_config(self.cfg, head, test))
        state = {
            k[len('state/'):]: torch.from_numpy(v)
            for k, v in self.arrays.items() if k.startswith('state/')
        }
        state = convert_actionformer(state).state_dict
        missing, unexpected = model.load_state_dict(state, strict=False)
        assert missing == ['head.loss_normalizer'] and not unexpected
        return without_drop_path(model)

    def feats(self, length):
        return torch.from_numpy(self.inputs[f'input/feats_len{length}'])

    def training_batch(self, empty=False):
        """Features and samples of the training videos."""
        masks = self.inputs['train/batched_masks']
        inputs, samples = [], []
        for i, length in enumerate(masks.sum((1, 2))):
            inputs.append(
                torch.from_numpy(
                    self.inputs['train/batched_inputs'][i][:, :length]))
            sample = ActionDataSample(metainfo=dict(video_name=f'train{i}'))
            stop = 0 if empty else None
            sample.gt_instances = InstanceData(
                segments=torch.from_numpy(
                    self.inputs[f'input/gt_segments_{i}'][:stop]),
                labels=torch.from_numpy(
                    self.inputs[f'input/gt_labels_{i}'][:stop]))
            samples.append(sample)
        return inputs, samples

    def test_sample(self, length):
        duration = float(self.inputs[f'eval/duration_len{length}'])
        return ActionDataSample(
            metainfo=dict(
                video_name=f'len{length}',
                duration=duration,
                feat_len=length,
                **GRID))
