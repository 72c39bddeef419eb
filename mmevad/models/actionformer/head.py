# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormerHead: pyramid -> classes and distances of every point."""
from typing import Dict, List, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from mmaction.utils import ConfigType, OptConfigType
from mmcv.cnn import Scale
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmevad.utils.arguments import build_part, try_part
from mmevad.utils.ranges import require_between, require_positive
from .checks import check_labels, complete_test_cfg
from .losses import balancing_weight, smooth_labels
from .points import assign_targets
from .postprocess import decode, split_videos, to_instances
from .sizes import check_towers
from .towers import ConvTower, run_towers, set_prior


@MODELS.register_module()
class ActionFormerHead(BaseModule):
    """Classifies every point and regresses the ends of its action.

    ActionFormer (arXiv 2202.07925), Sec. 3.3 to 3.5. All levels share the
    convolutions; each has a factor of its own for the distances.

    Args:
        num_classes (int): C.
        in_channels (int): Width of the levels. Defaults to 512.
        feat_channels (int): Width of the branches. Defaults to 512.
        num_layers (int): Convolutions of each branch. Defaults to 3.
        kernel_size (int): Of the convolutions. Defaults to 3.
        with_ln (bool): LN after the convolutions. Defaults to True.
        point_generator (dict): :class:`PointGenerator`; its strides are
            those of the neck.
        center_sample (str): ``'radius'`` or ``'none'``, see
            :func:`assign_targets`. Defaults to ``'radius'``.
        center_sample_radius (float): In strides. Defaults to 1.5.
        loss_cls (dict): Takes logits (N, C), targets (N, C) and sums.
            Defaults to mmdet's focal loss.
        loss_reg (dict): Takes distances (N, 2), targets (N, 2) and sums.
            Defaults to :class:`DIoULoss`.
        loss_weight (float): Weight of the regression; 0 or less balances
            the two losses, with the weight ``cls / max(reg, 0.01)``.
            Defaults to 1.
        label_smoothing (float): Share of the class targets that is spread
            over all classes. Defaults to 0.
        init_loss_norm (float): Positives of a batch to start from, see
            ``loss_normalizer``. Defaults to 100.
        loss_norm_momentum (float): Share of ``loss_normalizer`` that each
            iteration keeps. Defaults to 0.9.
        prior_prob (float): Probability that all classes start from.
            Defaults to 0.01.
        empty_classes (list[int]): Classes without training samples, whose
            probability starts from 1e-6. Defaults to ().
        strict_mask (bool): As in the neck. Defaults to False.
        test_cfg (dict, optional): ``pre_nms_thresh`` (0.001),
            ``pre_nms_topk`` per level (2000), ``duration_thresh`` in units
            of the grid (0.05), ``nms`` (:class:`SoftNMS`) and
            ``score_fusion`` (none, see :class:`ScoreFusion`).
        init_cfg (dict, optional): mmengine initialisation.

    Attributes:
        loss_normalizer (Tensor): Moving average of the number of positives,
            which both losses are divided by. A buffer, so a checkpoint
            keeps it. In distributed training it follows the sum over all
            ranks, as if one process had the whole batch.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 512,
                 feat_channels: int = 512,
                 num_layers: int = 3,
                 kernel_size: int = 3,
                 with_ln: bool = True,
                 point_generator: ConfigType = dict(type='PointGenerator'),
                 center_sample: str = 'radius',
                 center_sample_radius: float = 1.5,
                 loss_cls: ConfigType = dict(
                     type='mmdet.FocalLoss',
                     use_sigmoid=True,
                     gamma=2.,
                     alpha=0.25,
                     reduction='sum'),
                 loss_reg: ConfigType = dict(type='DIoULoss'),
                 loss_weight: float = 1.,
                 label_smoothing: float = 0.,
                 init_loss_norm: float = 100.,
                 loss_norm_momentum: float = 0.9,
                 prior_prob: float = 0.01,
                 empty_classes: Sequence[int] = (),
                 strict_mask: bool = False,
                 test_cfg: OptConfigType = None,
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if center_sample not in ('radius', 'none'):
            raise ValueError(f'center_sample={center_sample!r} is none of '
                             "'radius' and 'none'")
        check_towers(num_classes, in_channels, feat_channels, num_layers,
                     kernel_size)
        require_between(
            0,
            1,
            label_smoothing=label_smoothing,
            loss_norm_momentum=loss_norm_momentum)
        require_positive(
            init_loss_norm=init_loss_norm,
            center_sample_radius=center_sample_radius)
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.strict_mask = strict_mask
        self.point_generator = self._build('point_generator', point_generator)
        args = (num_layers, kernel_size, with_ln)
        self.cls_tower = ConvTower(in_channels, feat_channels, num_classes,
                                   *args)
        set_prior(self.cls_tower.out, prior_prob, empty_classes)
        self.reg_tower = ConvTower(in_channels, feat_channels, 2, *args)
        self.scales = nn.ModuleList(
            [Scale() for _ in self.point_generator.strides])
        self.center_sample = center_sample
        self.center_sample_radius = center_sample_radius
        self.loss_cls = self._build('loss_cls', loss_cls)
        self.loss_reg = self._build('loss_reg', loss_reg)
        logits, targets = torch.zeros(2, num_classes), torch.ones(2, 2)
        try_part(self, 'loss_cls', lambda: self.loss_cls(logits, logits).view(
            ()))
        try_part(self, 'loss_reg',
                 lambda: self.loss_reg(2 * targets, targets).view(()))
        self.loss_weight = loss_weight
        self.label_smoothing = label_smoothing
        self.loss_norm_momentum = loss_norm_momentum
        self.register_buffer('loss_normalizer',
                             torch.tensor(float(init_loss_norm)))
        self.test_cfg = complete_test_cfg(test_cfg)
        self.nms = self._build('test_cfg.nms', self.test_cfg['nms'])
        fusion = self.test_cfg['score_fusion']
        self.score_fusion = fusion and self._build('test_cfg.score_fusion',
                                                   fusion)

    def _build(self, option: str, cfg: ConfigType):
        return build_part(self, option, cfg, MODELS)

    def forward(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> Tuple[Tuple[Tensor, ...], Tuple[Tensor, ...]]:
        """Predict.

        Args:
            levels (list[Tensor]): (B, D, T_l), finest first.
            masks (list[Tensor]): (B, 1, T_l) bool, False for padding.

        Returns:
            tuple: For each level class logits (B, T_l, C) and distances
            (B, T_l, 2) to start and end in strides; zero for padding.
        """
        logits, distances = run_towers((self.cls_tower, self.reg_tower),
                                       levels, masks, self.strict_mask)
        return tuple(logits), tuple(
            scale(x).relu() for scale, x in zip(self.scales, distances))

    def points(self, levels: Sequence[Tensor]) -> List[Tensor]:
        """Points (T_l, 4) of levels (B, T_l, ...)."""
        return self.point_generator([x.size(1) for x in levels],
                                    levels[0].device)

    def targets(self, points: Sequence[Tensor],
                data_samples: Sequence) -> Tuple[Tensor, Tensor]:
        """Class targets (B, P, C) and distances (B, P, 2) of all points.

        Raises:
            ValueError: If labels are not from 0 to C - 1; names the videos.
        """
        check_labels(data_samples, self.num_classes)
        points = torch.cat(list(points))
        targets = [
            assign_targets(points, gt.segments, gt.labels, self.num_classes,
                           self.center_sample, self.center_sample_radius)
            for gt in (sample.gt_instances for sample in data_samples)
        ]
        classes, distances = zip(*targets)
        return torch.stack(classes), torch.stack(distances)

    def loss(self, levels: Sequence[Tensor], masks: Sequence[Tensor],
             data_samples: Sequence) -> Dict[str, Tensor]:
        """Losses of a batch; their sum is to be minimised.

        Args:
            levels (list[Tensor]): (B, D, T_l).
            masks (list[Tensor]): (B, 1, T_l).
            data_samples (list[ActionDataSample]): ``gt_instances`` with
                ``segments`` (N, 2) on the feature grid and ``labels`` (N, ).

        Returns:
            dict: ``loss_cls`` and the weighted ``loss_reg``.
        """
        logits, distances = self(levels, masks)
        classes, target = self.targets(self.points(logits), data_samples)
        logits = torch.cat(logits, 1).float()
        distances = torch.cat(distances, 1).float()
        valid = torch.cat([m[:, 0] for m in masks], 1)
        positive = (classes.sum(-1) > 0) & valid
        # gradients are averaged over ranks, positives are summed
        normalizer = self._update_normalizer(positive.sum()) / get_world_size()
        if self.label_smoothing:
            classes = smooth_labels(classes, self.label_smoothing)
        loss_cls = self.loss_cls(logits[valid], classes[valid]) / normalizer
        # without positives this is 0 but stays attached to the weights
        loss_reg = self.loss_reg(distances[positive],
                                 target[positive]) / normalizer
        weight = self.loss_weight
        if weight <= 0:
            weight = balancing_weight(loss_cls, loss_reg)
        return dict(loss_cls=loss_cls, loss_reg=weight * loss_reg)

    @torch.no_grad()
    def _update_normalizer(self, num_positives: Tensor) -> Tensor:
        """Let the moving average follow; returns its value."""
        if self.training:
            num_positives = num_positives.to(self.loss_normalizer)
            all_reduce(num_positives)
            self.loss_normalizer.lerp_(
                num_positives.clamp(min=1), 1 - self.loss_norm_momentum)
        return self.loss_normalizer.clone()

    @torch.no_grad()
    def candidates(
            self, levels: Sequence[Tensor],
            masks: Sequence[Tensor]) -> List[Tuple[Tensor, Tensor, Tensor]]:
        """What goes to NMS.

        Args:
            levels (list[Tensor]): (B, D, T_l).
            masks (list[Tensor]): (B, 1, T_l).

        Returns:
            list[tuple]: For each video segments (N, 2) on the feature grid,
            scores (N, ) and labels (N, ), level after level, on the CPU:
            those of all videos are copied at once.

        Raises:
            ValueError: If an output is NaN.
        """
        return self.decode(*self(levels, masks), masks)

    def decode(self, logits: Sequence[Tensor], distances: Sequence[Tensor],
               masks: Sequence[Tensor]) -> List[Tuple[Tensor, Tensor, Tensor]]:
        """From the output of :meth:`forward` to :meth:`candidates`."""
        # NaN would fail every comparison below, and leave no segments
        diverged = torch.stack(
            [x.isnan().any() for x in (*logits, *distances)]).any()
        cfg = self.test_cfg
        found = decode(logits, distances, [m[:, 0] for m in masks],
                       self.points(logits), cfg['pre_nms_thresh'],
                       cfg['pre_nms_topk'], cfg['duration_thresh'])
        videos = split_videos(*found)
        if diverged:  # the device has been waited for already
            raise ValueError('The model gives NaN: its weights have '
                             'diverged; take an earlier checkpoint.')
        return videos

    def predict(self, levels: Sequence[Tensor], masks: Sequence[Tensor],
                data_samples: Sequence) -> List[InstanceData]:
        """Actions of each video.

        Args:
            levels (list[Tensor]): (B, D, T_l).
            masks (list[Tensor]): (B, 1, T_l).
            data_samples (list[ActionDataSample]): Metainfo ``fps``,
                ``feat_stride``, ``num_frames``, ``duration``, and with
                score fusion ``video_name``.

        Returns:
            list[InstanceData]: ``segments`` (M, 2) in seconds, ``scores``
            and ``labels`` (M, ), best first; on the CPU.
        """
        return self.finish(self.candidates(levels, masks), data_samples)

    def finish(self, videos: Sequence[Tuple[Tensor, Tensor, Tensor]],
               data_samples: Sequence) -> List[InstanceData]:
        """From :meth:`candidates` to :meth:`predict`."""
        results = []
        for sample, candidates in zip(data_samples, videos):
            segments, scores, labels = self.nms(*candidates)
            if self.score_fusion:
                segments, scores, labels = self.score_fusion(
                    segments, scores, labels, sample.video_name)
            results.append(to_instances(segments, scores, labels, sample))
        return results
