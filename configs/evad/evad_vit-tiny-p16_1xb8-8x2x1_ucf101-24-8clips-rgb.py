# A small EVAD that learns eight real UCF101-24 clips by heart, on a CPU.
# Data: tools/data/ucf101_24/README.md, section "A few clips".
_base_ = ['../_base_/default_runtime.py', '../_base_/evad_vit-tiny.py']

num_classes = 7
data_root = 'data/ucf8'
model = dict(
    actor_head=dict(zero_init_deltas=True),
    context_decoder=dict(num_classes=num_classes))

pack = dict(
    type='PackActionInputs',
    meta_keys=('img_shape', 'img_key', 'video_id', 'timestamp',
               'original_shape'))
pipeline = [
    dict(type='SampleAVAFrames', clip_len=8, frame_interval=2, test_mode=True),
    dict(type='RawFrameDecode'),
    dict(type='Resize', scale=(-1, 96)),  # as it is for the stored frames
    dict(type='ClipBoxes'),
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    pack
]
dataset = dict(
    type='CheckedAVADataset',
    ann_file=f'{data_root}/ava_all.csv',
    label_file=f'{data_root}/label_map.pbtxt',
    data_prefix=dict(img=f'{data_root}/frames'),
    num_classes=num_classes + 1,
    # timestamps are frame numbers
    fps=1,
    timestamp_start=0,
    start_index=0,
    pipeline=pipeline)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dataset)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='AVAFrameMAP',
    ann_file=f'{data_root}/ava_all.csv',
    exclude_file=None,
    label_file=f'{data_root}/label_map.pbtxt',
    num_classes=num_classes + 1)
test_evaluator = val_evaluator

max_epochs = 110
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=100, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True)
]
