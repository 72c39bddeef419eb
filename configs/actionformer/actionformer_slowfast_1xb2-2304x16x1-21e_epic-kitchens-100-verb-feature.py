# ActionFormer on EPIC-Kitchens 100, verbs, SlowFast features.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(
    neck=dict(in_channels=2304, window_size=9),
    head=dict(
        num_classes=97,
        point_generator=dict(
            regress_ranges=((0, 4), (2, 8), (4, 16), (8, 32), (16, 64),
                            (32, 10000))),
        init_loss_norm=250,
        test_cfg=dict(
            pre_nms_topk=5000,
            nms=dict(sigma=0.4, max_seg_num=2000, voting_thresh=0.75))))

data_root = 'data/epic_kitchens/'
ann_file = 'annotations/verb.json'
dataset = dict(
    _delete_=True,  # wherever it is used below, too
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='slowfast_features'),
    feat_ext='.npz',
    feat_dims=2304,
    feat_stride=16,
    num_frames=32,
    fps=30)
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(
        type='RandomCropSegments',
        max_seq_len=2304,
        trunc_thresh=0.3,
        crop_ratio=(0.9, 1.0)),
    dict(type='PackSegmentInputs')
]
test_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(type='PackSegmentInputs')
]
train_dataloader = dict(
    dataset=dict(subset='training', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    dataset=dict(
        subset='validation', pipeline=test_pipeline, test_mode=True, **
        dataset))
test_dataloader = val_dataloader
val_evaluator = dict(
    ann_file=data_root + ann_file,
    subset='validation',
    tious=(0.1, 0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=21)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-8,
        begin=0,
        end=5,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=16,
        eta_min=1e-8,
        begin=5,
        end=21,
        by_epoch=True,
        convert_to_iter_based=True)
]
