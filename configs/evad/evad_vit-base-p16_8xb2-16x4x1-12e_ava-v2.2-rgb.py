# EVAD ViT-B on AVA v2.2, rho = 0.7: the primitive config of all others.
_base_ = ['../_base_/default_runtime.py']

# ============================== most often changed ==========================
# share of tokens that each pruning block keeps, rho
keep_rate = 0.7
# weight of the keyframe's queries in the importance of a token, w_kf
keyframe_weight = 1.
# without the background column that mmaction2's AVA labels have in front
num_classes = 80
# where kept tokens return to: 'position', their own places, or 'importance',
# what the authors' checkpoints were trained with
token_order = 'position'
# VideoMAE ViT-B fine-tuned on Kinetics-400
pretrained = 'checkpoints/videomae_vit-base_k400.pth'
# short side of training and test clips, in pixels
short_side = 288
# 16 frames, every 4th, around the keyframe
clip_len, frame_interval = 16, 4
data_root = 'data/ava/rawframes'
anno_root = 'data/ava/annotations'

# ============================== model =======================================
clip_shape = dict(
    img_size=224, patch_size=16, num_frames=clip_len, tubelet_size=2)
model = dict(
    type='EVAD',
    person_score_thr=0.7,
    # the released recipe differentiates the mean of the 24 loss terms
    average_losses=True,
    data_preprocessor=dict(
        type='EVADDataPreprocessor',
        mean=[114.75, 114.75, 114.75],
        std=[57.375, 57.375, 57.375]),
    backbone=dict(
        type='KeyframeTokenPruneViT',
        embed_dims=768,
        depth=12,
        num_heads=12,
        drop_path_rate=0.1,
        keep_rate=keep_rate,
        prune_blocks=(3, 6, 9),
        keyframe_weight=keyframe_weight,
        out_indices=(2, 5, 8, 11),
        with_cp=True,
        init_cfg=dict(type='Pretrained', checkpoint=pretrained),
        **clip_shape),
    neck=dict(
        type='KeyframeFPN',
        in_channels=[768, 768, 768, 768],
        out_channels=256,
        num_outs=4),
    actor_head=dict(type='QueryActorHead', num_queries=100, num_stages=6),
    context_decoder=dict(
        type='ContextRefineDecoder',
        in_channels=768,
        embed_dims=384,
        depth=6,
        num_heads=6,
        num_classes=num_classes,
        token_order=token_order,
        with_cp=True,
        **clip_shape))

# ============================== data ========================================
load = [
    # keyframes stay the clip's middle in training: no jitter of single frames
    dict(
        type='SampleAVAFrames',
        clip_len=clip_len,
        frame_interval=frame_interval,
        test_mode=True),
    dict(type='RawFrameDecode')
]
resize = dict(type='Resize', scale=(short_side, 1333))
augment = [dict(type='Flip', flip_ratio=0.5), dict(type='ClipBoxes')]
finish = [
    dict(type='FormatShape', input_format='NCTHW', collapse=True),
    dict(
        type='PackActionInputs',
        meta_keys=('img_shape', 'img_key', 'video_id', 'timestamp',
                   'original_shape'))
]
train_pipeline = [*load, resize, *augment, *finish]
test_pipeline = [*load, resize, *finish]

label_file = f'{anno_root}/ava_action_list_v2.2_for_activitynet_2019.pbtxt'
train_files = dict(
    ann_file=f'{anno_root}/ava_train_v2.2.csv',
    exclude_file=f'{anno_root}/ava_train_excluded_timestamps_v2.2.csv')
val_files = dict(
    ann_file=f'{anno_root}/ava_val_v2.2.csv',
    exclude_file=f'{anno_root}/ava_val_excluded_timestamps_v2.2.csv')
dataset = dict(
    type='CheckedAVADataset',
    label_file=label_file,
    num_classes=num_classes + 1,
    data_prefix=dict(img=data_root))
train_dataloader = dict(
    batch_size=2,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline, **train_files, **dataset))
val_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        pipeline=test_pipeline, test_mode=True, **val_files, **dataset))
test_dataloader = val_dataloader

val_evaluator = [
    dict(
        type='AVAFrameMAP',
        label_file=label_file,
        num_classes=num_classes + 1,
        **val_files),
    dict(type='PersonAP', **val_files)
]
test_evaluator = val_evaluator

# ============================== schedule ====================================
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# 2.5e-5 for a batch of 16; 8 times that in the detection head
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2.5e-5, weight_decay=1e-4),
    constructor='EVADOptimWrapperConstructor',
    paramwise_cfg=dict(head_lr_mult=8.))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        end=2,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[5, 8], gamma=0.1, by_epoch=True)
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
