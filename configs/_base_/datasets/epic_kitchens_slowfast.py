# EPIC-Kitchens 100, verbs: one SlowFast feature every 16 frames, each sees 32.
data_root = 'data/epic_kitchens/'
ann_file = 'annotations/verb.json'
dataset = dict(
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
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(subset='training', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        subset='validation', pipeline=test_pipeline, test_mode=True,
        **dataset))
test_dataloader = val_dataloader

val_evaluator = dict(
    type='SegmentMAP',
    ann_file=data_root + ann_file,
    subset='validation',
    tious=(0.1, 0.2, 0.3, 0.4, 0.5))
test_evaluator = val_evaluator
