# Copyright (c) mmevad authors. All rights reserved.
"""Configs of datasets with options that are right, at an edge or wrong.

Their files are small and good; 'FOLDER' stands for where they are.
"""
from pathlib import Path
from typing import Any, Callable, NamedTuple

import cv2
import numpy as np
from mmaction.registry import DATASETS

from ..test_datasets import segment_files, tube_files
from .fuzz_configs import FLAGS, Model

COUNTS = [1, 2, 3, 100, 2**40, 0, -1]
LIMITS = [0., 1e-300, 0.002, 0.5, 1., 2., -1.]
FILES = ['', 'FOLDER', 'FOLDER/no', 'FOLDER/gt.csv', 'FOLDER/ann.json']
SUBSETS = [None, 'training', 'Validation', ['training', 'test'], [],
           'nobody', ['nobody']]  # yapf: disable


def write_files(folder: Path) -> None:
    """What the configs below read."""
    run, jump = segment_files.action(2, 8), segment_files.action(9, 19, 1)
    segment_files.write_json(
        folder,
        dict(
            database=dict(
                a=segment_files.video(run, jump),
                b=segment_files.video(jump, subset='validation'),
                c=segment_files.video(subset='test'))))
    for name in ('feats', 'more'):
        segment_files.write_features(folder / name, dict(a=100, b=90, c=3))
    tube_files.save(folder / 'tubes.pkl', tube_files.content())
    for video, count in tube_files.content()['nframes'].items():
        tube_files.make_frames(str(folder / 'frames' / video), count)
    (folder / 'gt.csv').write_text('v,0902,0.1,0.1,0.4,0.9,1,0\n'
                                   'v,0902,0.6,0.1,0.9,0.9,2,1\n'
                                   'v,0903,0.1,0.1,0.4,0.9,3,0\n')
    (folder / 'excluded.csv').write_text('v,0907\n')
    (folder / 'map.pbtxt').write_text(''.join(
        f'item {{\n  name: "action {i}"\n  id: {i}\n}}\n' for i in (1, 2, 3)))
    for second in range(900, 905):
        frames = folder / 'ava' / 'v'
        frames.mkdir(parents=True, exist_ok=True)
        for i in range(30):
            number = (second - 900) * 30 + i
            cv2.imwrite(
                str(frames / f'img_{number:05}.jpg'),
                np.full((24, 32, 3), number % 255, np.uint8))


def read_segments(dataset: Any, folder: Path) -> None:
    dataset.full_init()
    for index in range(len(dataset)):
        item = dataset[index]
        feats, gt = item['inputs'], item['data_samples'].gt_instances
        assert feats.dim() == 2 and min(feats.shape) > 0
        assert feats.isfinite().all() and gt.segments.isfinite().all()
        assert gt.segments.shape == (len(gt.labels), 2)
        assert (gt.segments[:, 0] <= gt.segments[:, 1]).all()


def read_frames(dataset: Any, folder: Path) -> None:
    dataset.full_init()
    for index in range(len(dataset)):
        item = dataset[index]
        boxes, labels = item['gt_bboxes'], item['gt_labels']
        assert len(item['imgs']) == 4
        assert boxes.shape == (len(labels), 4) and np.isfinite(boxes).all()
        assert set(np.unique(labels)) <= {0., 1.}


class Kind(NamedTuple):
    """What is changed, what builds it and what uses what was built."""
    model: Model
    registry: Any
    use: Callable[[Any, Path], None]


SEGMENTS = Kind(
    Model(
        dict(
            type='SegmentDataset',
            ann_file='FOLDER/ann.json',
            feat_stride=5.,
            num_frames=5.,
            data_prefix=dict(feat='FOLDER/feats'),
            metainfo=dict(classes=['run', 'jump']),
            serialize_data=False,
            pipeline=[
                dict(type='LoadSegmentFeatures'),
                dict(type='DownsampleFeatures', rate=1),
                dict(type='ResizeFeatures', size=64),
                dict(type='SecondsToGrid'),
                dict(type='CutSegmentsToFeatures', trunc_thresh=0.5),
                dict(
                    type='RandomCropSegments',
                    max_seq_len=48,
                    trunc_thresh=0.5),
                dict(type='PackSegmentInputs')
            ]), {
                ():
                dict(
                    ann_file=FILES,
                    feat_stride=[None, 1e-9, 1, 4., 5., 1e9, 0., -4.],
                    num_frames=[None, 1e-9, 1, 5., 64, 1e9, 0.],
                    subset=SUBSETS,
                    metainfo=[None, {}, dict(classes=['run']),
                              dict(classes=['run', 'jump', 'sit']),
                              dict(classes=['run', 'run']),
                              dict(classes='FOLDER/gt.csv'),
                              dict(classes=[]), dict(classes=[1, 2])],
                    data_root=['', 'FOLDER', 'no'],
                    data_prefix=[dict(feat='FOLDER/more'), dict(),
                                 dict(feat=['FOLDER/feats', 'FOLDER/more']),
                                 dict(feat=[]), dict(video='FOLDER/feats'),
                                 dict(feat='FOLDER/feats.h5'),
                                 dict(feat=3)],
                    feat_prefix=['', 'x', '../feats/', '/'],
                    feat_ext=[None, '.npy', '.npz', '.pt', ''],
                    feat_key=['feats', '', 'x'],
                    feat_layout=['TC', 'CT', 'tc'],
                    feat_dims=[None, 6, [6], [6, 6], 7, 0, -1],
                    fps=[None, 1e-9, 25, 1e9, 0.],
                    default_fps=[None, 30., -1.],
                    class_agnostic=FLAGS,
                    remove_duplicates=FLAGS,
                    check_files=FLAGS,
                    skip_missing=FLAGS,
                    test_mode=FLAGS,
                    lazy_init=FLAGS,
                    indices=[None, 1, [0], [-1], 10**9, [9]],
                    max_refetch=[1, 0, -1],
                    filter_cfg=[None, {}, dict(size=3)]),
                ('pipeline', 1):
                dict(rate=COUNTS),
                ('pipeline', 2):
                dict(size=[1, 2, 64, 2000, 2**40, 0]),
                ('pipeline', 4):
                dict(trunc_thresh=LIMITS),
                ('pipeline', 5):
                dict(
                    max_seq_len=COUNTS,
                    trunc_thresh=LIMITS,
                    crop_ratio=[None, (0.9, 1.), (1e-9, 1e-9), (0., 1.),
                                (1., 0.5), (0.5, ), (0.5, 1.1)],
                    max_tries=[1, 200, 0])
            }),
    DATASETS,
    read_segments)  # yapf: disable
CLIPS = [
    dict(type='SampleAVAFrames', clip_len=4, frame_interval=2, test_mode=True),
    dict(type='RawFrameDecode')
]
TUBES = Kind(
    Model(
        dict(
            type='TubeDataset',
            ann_file='FOLDER/tubes.pkl',
            serialize_data=False,
            pipeline=CLIPS,
            data_prefix=dict(img='FOLDER/frames')), {
                ():
                dict(
                    ann_file=FILES,
                    indices=[1, [0], [9, 99]],
                    data_prefix=[dict(), dict(video='FOLDER/frames'),
                                 dict(img='FOLDER'), dict(img=3),
                                 dict(img='FOLDER/frames', video='x')],
                    split=[1, 2, 0, -1],
                    subset=['train', 'test', 'all', 'val'],
                    keyframe_interval=COUNTS,
                    keyframes_per_tube=[None] + COUNTS,
                    all_frames=FLAGS,
                    filename_tmpl=['img_{:05}.jpg', 'img.jpg', '{:05}',
                                   '{}{}', '{:z}', '{a}', '{', ''],
                    num_classes=[None, 3, 2, 0],
                    check_files=FLAGS,
                    test_mode=FLAGS,
                    multi_class=FLAGS,
                    start_index=[0, 1, -5],
                    modality=['RGB', 'Flow', 'X'])
            }),
    DATASETS,
    read_frames)  # yapf: disable
AVA = Kind(
    Model(
        dict(
            type='CheckedAVADataset',
            ann_file='FOLDER/gt.csv',
            exclude_file='FOLDER/excluded.csv',
            label_file='FOLDER/map.pbtxt',
            serialize_data=False,
            pipeline=CLIPS,
            num_classes=4,
            filename_tmpl='img_{:05}.jpg',
            data_prefix=dict(img='FOLDER/ava')), {
                ():
                dict(
                    ann_file=FILES,
                    exclude_file=[None] + FILES,
                    label_file=[None, 'FOLDER/map.pbtxt'] + FILES,
                    filename_tmpl=['img_{:05}.jpg', 'x{:05}.jpg', 'img.jpg',
                                   '{a}', '{'],
                    start_index=[0, 1, -5],
                    proposal_file=[None] + FILES,
                    person_det_score_thr=LIMITS,
                    num_classes=[4, 3, 81, 1, 0],
                    custom_classes=[None, [1], [1, 2, 3], [0], [4], [],
                                    [1, 1]],
                    data_prefix=[dict(), dict(img='FOLDER'), dict(img=3)],
                    modality=['RGB', 'Flow', 'X'],
                    test_mode=FLAGS,
                    num_max_proposals=COUNTS,
                    timestamp_start=[900, 0, 902, 903, -1, 2**40],
                    timestamp_end=[904, 1800, 902, 900, 0],
                    use_frames=FLAGS,
                    fps=[30, 1, 25, 0, -1])
            }),
    DATASETS,
    read_frames)  # yapf: disable
KINDS = dict(segments=SEGMENTS, tubes=TUBES, ava=AVA)


def placed(tree: Any, folder: str) -> Any:
    """A config whose files are in a folder."""
    if isinstance(tree, dict):
        return {key: placed(value, folder) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(placed(value, folder) for value in tree)
    return tree.replace('FOLDER', folder) if isinstance(tree, str) else tree
