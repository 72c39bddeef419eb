# ActionFormer on clip features of the small EVAD, for two CPU cores. Synthetic
# data: it shows that everything works, not how well on real video. The
# features come from tools/misc/extract_clip_features.py, see
# tools/data/synth_actors/README.md: 256 channels are the tokens of the
# backbone, mean and maximum; 18 are what its heads see the people do.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

# how the demo makes these features of a video
feature_extractor = dict(
    config='evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb',
    layer='backbone+actions',
    pool='mean+max')

max_seq_len = 80  # videos have 68 features
feat_dims = 274
model = dict(
    neck=dict(
        in_channels=feat_dims,
        embed_dims=64,
        max_seq_len=max_seq_len,
        arch=(2, 2, 3),
        window_size=9),
    head=dict(
        num_classes=7,
        in_channels=64,
        feat_channels=64,
        point_generator=dict(
            strides=(1, 2, 4, 8),
            regress_ranges=((0, 4), (4, 8), (8, 16), (16, 10000))),
        test_cfg=dict(nms=dict(max_seg_num=100))))

data_root = 'data/synth_actors/'
ann_file = 'annotations/segments.json'
dataset = dict(
    _delete_=True,  # wherever it is used below, too
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='evad_features'),
    feat_dims=feat_dims,
    feat_stride=2,
    num_frames=16)
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(type='CutSegmentsToFeatures', trunc_thresh=0.5),
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
    batch_size=8,
    num_workers=1,
    dataset=dict(subset='training', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        subset='validation', pipeline=test_pipeline, test_mode=True,
        **dataset))
test_dataloader = dict(
    num_workers=1,
    dataset=dict(
        subset='testing', pipeline=test_pipeline, test_mode=True, **dataset))
val_evaluator = dict(ann_file=data_root + ann_file, subset='validation')
test_evaluator = dict(
    ann_file=data_root + ann_file, subset='testing', per_class=True)

# six videos are too few to choose a checkpoint by, so the last one counts
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
_base_.custom_hooks[0].momentum = 0.01  # few iterations

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=40, val_interval=10)
_base_.param_scheduler[1].update(T_max=35, end=40)
