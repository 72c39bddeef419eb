# ActivityNet 1.3 for class-agnostic proposals: TSP features, one every 16
# frames at 15 frames/s, resized to 192 for every video.
data_root = 'data/activitynet/'
ann_file = 'annotations/activitynet_1.3.json'
dataset = dict(
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='tsp_features'),
    feat_prefix='v_',
    feat_dims=512,
    feat_stride=16,
    num_frames=16,
    fps=15,
    class_agnostic=True,
    remove_duplicates=True,
    skip_missing=True)
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='ResizeFeatures', size=192),
    dict(type='SecondsToGrid'),
    dict(type='CutSegmentsToFeatures', trunc_thresh=0.5),
    dict(type='PackSegmentInputs')
]
test_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='ResizeFeatures', size=192),
    dict(type='SecondsToGrid'),
    dict(type='PackSegmentInputs')
]
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(subset='training', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=16,
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
    tious=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95))
test_evaluator = val_evaluator
