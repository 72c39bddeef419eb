# ActionFormer on THUMOS14: one feature of 2048 channels (two-stream I3D) every
# 4 frames, each sees 16. The other configs of this folder start from this one.
_base_ = ['../_base_/default_runtime.py', '../_base_/actionformer.py']

# ------------------------------------------------------------------ data
data_root = 'data/thumos14/'
ann_file = 'annotations/thumos14.json'
feat_dir = 'i3d_features'
max_seq_len = 2304  # training sequences; tests take any length
dataset = dict(
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat=feat_dir),
    feat_dims=2048,
    feat_stride=4,
    num_frames=16)
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(
        type='RandomCropSegments',
        max_seq_len=max_seq_len,
        trunc_thresh=0.5,
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
    dataset=dict(subset='validation', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        subset='test', pipeline=test_pipeline, test_mode=True, **dataset))
test_dataloader = val_dataloader

# ------------------------------------------------------------ evaluation
val_evaluator = dict(
    type='SegmentMAP',
    ann_file=data_root + ann_file,
    subset='test',
    tious=(0.3, 0.4, 0.5, 0.6, 0.7))
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
