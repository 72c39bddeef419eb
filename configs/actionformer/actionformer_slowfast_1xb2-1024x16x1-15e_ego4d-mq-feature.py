# ActionFormer on Ego4D moment queries, SlowFast features, seven levels.
_base_ = './actionformer_slowfast_1xb2-2304x16x1-21e_epic-kitchens-100-verb-feature.py'  # noqa: E501

model = dict(
    neck=dict(max_seq_len=1024, arch=(2, 1, 6), use_abs_pe=True, dropout=0.1),
    head=dict(
        num_classes=110,
        point_generator=dict(
            strides=(1, 2, 4, 8, 16, 32, 64),
            regress_ranges=((0, 4), (2, 8), (4, 16), (8, 32), (16, 64),
                            (32, 128), (64, 10000))),
        init_loss_norm=100,
        test_cfg=dict(nms=dict(sigma=0.9, voting_thresh=0.95))))

data_root = 'data/ego4d/'
ann_file = 'annotations/moment_queries.json'
dataset = dict(
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='slowfast_features'),
    feat_ext='.pt')
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(
        type='RandomCropSegments',
        max_seq_len=1024,
        trunc_thresh=0.3,
        crop_ratio=(0.9, 1.0)),
    dict(type='PackSegmentInputs')
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
val_evaluator = dict(
    ann_file=data_root + ann_file,
    recall_k=(1, 5),
    recall_tious=(0.1, 0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=15)
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
        T_max=10,
        eta_min=1e-8,
        begin=5,
        end=15,
        by_epoch=True,
        convert_to_iter_based=True)
]
