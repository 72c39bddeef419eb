# Copyright (c) mmevad authors. All rights reserved.
"""Configs of metrics with options that are right, at an edge or wrong."""
from pathlib import Path
from typing import Any, Dict

import numpy as np
import torch
from mmaction.registry import METRICS

from ..test_evaluation.ava_files import sample_of
from .fuzz_configs import FLAGS, Model
from .fuzz_configs_data import COUNTS, FILES, LIMITS, SUBSETS, Kind

THRESHOLDS = [[], [0.5], [0.1, 0.9], [1.], [0.], [-0.1], [1.1], [0.5, 0.5],
              np.arange(1, 10) / 10, [1e-300]]  # yapf: disable
METRIC = dict(collect_device=['cpu', 'gpu', 'tpu'], prefix=[None, '', 'a/b'])


def _numbers(found: Dict[str, float]) -> None:
    assert found
    for name, value in found.items():
        most = 3 if 'ignored' in name else 1 + 1e-9  # a number of segments
        # NaN: the mean over nothing
        assert np.isnan(value) or 0 <= value <= most, (name, value)


def evaluate_segments(metric: Any, folder: Path) -> None:
    for name in 'abc':
        pred = dict(
            segments=torch.tensor([[2., 8.], [9., 18.], [1., 1.]]),
            scores=torch.tensor([0.9, 0.8, 0.1]),
            labels=torch.tensor([0, 1, 1]))
        metric.process(None, [dict(video_name=name, pred_instances=pred)])
    _numbers(metric.evaluate(3))


def evaluate_tubes(metric: Any, folder: Path) -> None:
    samples = []
    for frame in range(1, 6):
        boxes = np.array([[.1, .1, .2, .2], [.5, .5, .9, .9]]) + frame / 1000
        scores = np.array([[0., .1, .9], [0., .8, .2]])
        samples.append(sample_of(('run/c', frame), boxes, scores=scores))
    metric.process(None, samples)
    _numbers(metric.evaluate(len(samples)))


def evaluate_frames(metric: Any, folder: Path) -> None:
    boxes = np.array([[.1, .1, .4, .9], [.6, .1, .9, .8]])
    scores = np.array([[0., .1, .9, .3], [0., .8, .2, .002]])
    samples = [
        sample_of(('v', second),
                  boxes,
                  scores=scores,
                  person_scores=np.array([.9, .3])) for second in (902, 903)
    ]
    metric.process(None, samples)
    _numbers(metric.evaluate(len(samples)))


SEGMENT_MAP = Kind(
    Model(
        dict(type='SegmentMAP', ann_file='FOLDER/ann.json'), {
            ():
            dict(
                METRIC,
                ann_file=FILES,
                subset=SUBSETS,
                tious=THRESHOLDS,
                recall_k=[(), [1], [1, 5], [5, 1], [0], [-1], [2**40]],
                recall_tious=[None] + THRESHOLDS,
                remove_duplicates=FLAGS,
                per_class=FLAGS,
                dump=[None, '', 'FOLDER/out.json', 'FOLDER/no/out.json',
                      'FOLDER', 'FOLDER/out.xyz'])
        }),
    METRICS,
    evaluate_segments)  # yapf: disable
TUBE_MAP = Kind(
    Model(
        dict(
            type='TubeMAP', ann_file='FOLDER/tubes.pkl', all_frames=True), {
            ():
            dict(
                METRIC,
                ann_file=FILES,
                split=[1, 2, 0],
                subset=['test', 'train', 'all', 'val'],
                frame_iou_thr=LIMITS,
                video_iou_thrs=THRESHOLDS,
                all_frames=FLAGS,
                keyframe_interval=COUNTS,
                linking=[None, {}, dict(iou_thr=0.5), dict(iou_thr=2.),
                         dict(max_gap=-1), dict(max_gap=2**40),
                         dict(min_length=0), dict(min_length=2**40),
                         dict(nms_iou_thr=0.), dict(iou='x'),
                         dict(iou_weight=1e30), dict(iou_weight=-1),
                         dict(min_tube_score='a'), dict(min_score=None),
                         dict(top_k=0)],
                min_score=[None] + LIMITS,
                top_k=[None] + COUNTS,
                ap_mode=['area', '11points', 'Area'],
                per_class=FLAGS)
        }),
    METRICS,
    evaluate_tubes)  # yapf: disable
PERSON_AP = Kind(
    Model(
        dict(type='PersonAP', ann_file='FOLDER/gt.csv'), {
            ():
            dict(
                METRIC,
                ann_file=FILES + ['FOLDER/tubes.pkl'],
                exclude_file=[None, 'FOLDER/excluded.csv'] + FILES,
                subset=['test', 'train', 'all', 'val'],
                split=[1, 2, 0],
                keyframe_interval=COUNTS,
                iou_thrs=THRESHOLDS)
        }),
    METRICS,
    evaluate_frames)  # yapf: disable
FRAME_MAP = Kind(
    Model(
        dict(
            type='AVAFrameMAP',
            ann_file='FOLDER/gt.csv',
            exclude_file='FOLDER/excluded.csv',
            label_file='FOLDER/map.pbtxt',
            num_classes=4), {
                ():
                dict(
                    METRIC,
                    ann_file=FILES,
                    exclude_file=[None] + FILES,
                    label_file=FILES,
                    options=[('mAP', ), ('mAP', 'x'), ()],
                    action_thr=LIMITS + [[0.1] * 3, [0.1] * 4, [0.1], []],
                    num_classes=[4, 3, 81, 1, 0, -1],
                    custom_classes=[None, [1], [1, 3], [0], [4], [], [1, 1]],
                    iou_thr=LIMITS,
                    decimals=[None, 0, 1, 4, 300, 10**6, -1],
                    ignore_empty_frames=FLAGS,
                    per_class=FLAGS,
                    groups=[None, {}, dict(a=[1]), dict(a=[1, 2], b=[2]),
                            dict(a=[]), dict(a=[9]), dict(overall=[1]),
                            dict(a=3), {1: [1]}])
            }),
    METRICS,
    evaluate_frames)  # yapf: disable
KINDS = dict(
    segment_map=SEGMENT_MAP,
    tube_map=TUBE_MAP,
    person_ap=PERSON_AP,
    frame_map=FRAME_MAP)
