# A small EVAD on the drawn people of tools/data/synth_actors, for a CPU.
# Synthetic data: it shows that everything works, not how well on real video.
_base_ = ['../_base_/default_runtime.py', '../_base_/evad_vit-tiny.py']

num_classes = 9
data_root = 'data/synth_actors'
model = dict(
    person_score_thr=0.3,
    multiply_person_score=True,
    backbone=dict(embed_dims=128, num_heads=4),
    neck=dict(in_channels=[128, 128, 128, 128]),
    actor_head=dict(num_queries=10, zero_init_deltas=True),
    context_decoder=dict(in_channels=128, num_classes=num_classes))

sample = dict(
    type='SampleAVAFrames', clip_len=8, frame_interval=2, test_mode=True)
pack = dict(
    type='PackActionInputs',
    meta_keys=('img_shape', 'img_key', 'video_id', 'timestamp',
               'original_shape'))
train_pipeline = [
    sample,
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, 96)),  # as it is for the stored frames
    dict(type='Flip', flip_ratio=0.5),
    dict(type='ClipBoxes'),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    pack
]
test_pipeline = [
    sample,
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, 96)),  # as it is for the stored frames
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    pack
]
label_file = f'{data_root}/annotations/label_map.pbtxt'
dataset = dict(
    type='CheckedAVADataset',
    label_file=label_file,
    # as in the label file, for the demo, which has none
    metainfo=dict(
        classes=('walk', 'wave', 'jump', 'sit down', 'pick up', 'push',
                 'be pushed', 'stand', 'sit')),
    data_prefix=dict(img=f'{data_root}/frames'),
    num_classes=num_classes + 1,
    # timestamps are frame numbers
    fps=1,
    timestamp_start=0,
    start_index=0)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(
        ann_file=f'{data_root}/annotations/ava_train.csv',
        pipeline=train_pipeline,
        **dataset))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file=f'{data_root}/annotations/ava_val.csv',
        pipeline=test_pipeline,
        test_mode=True,
        **dataset))
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file=f'{data_root}/annotations/ava_test.csv',
        pipeline=test_pipeline,
        test_mode=True,
        **dataset))
val_evaluator = dict(
    type='AVAFrameMAP',
    ann_file=f'{data_root}/annotations/ava_val.csv',
    exclude_file=None,
    label_file=label_file,
    num_classes=num_classes + 1)
test_evaluator = dict(
    type='AVAFrameMAP',
    ann_file=f'{data_root}/annotations/ava_test.csv',
    exclude_file=None,
    label_file=label_file,
    num_classes=num_classes + 1)

max_epochs = 3
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=100, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True)
]
