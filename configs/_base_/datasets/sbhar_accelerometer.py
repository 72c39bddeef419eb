# SBHAR: the accelerometer of a phone, one second every half second.
data_root = 'data/sbhar/'
ann_file = 'sbhar.json'
dataset = dict(
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='features'),
    feat_dims=150,
    feat_stride=25,
    num_frames=50)
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
    tious=(0.3, 0.4, 0.5, 0.6, 0.7))
test_evaluator = val_evaluator
