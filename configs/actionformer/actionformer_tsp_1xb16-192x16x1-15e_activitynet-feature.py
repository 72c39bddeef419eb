# ActionFormer on ActivityNet 1.3 with TSP features: every video resized to 192
# features, one class of proposals, labelled by external video-level scores.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

max_seq_len = 192
model = dict(
    neck=dict(
        in_channels=512,
        embed_dims=256,
        max_seq_len=max_seq_len,
        window_size=(7, 7, 7, 7, 7, -1),  # the last level sees everything
        use_abs_pe=True),
    head=dict(
        num_classes=1,
        in_channels=256,
        feat_channels=256,
        loss_weight=2.,
        label_smoothing=0.1,
        init_loss_norm=200,
        test_cfg=dict(
            duration_thresh=0.001,
            nms=dict(
                sigma=0.75,
                max_seg_num=100,
                multiclass=False,
                voting_thresh=0.9),
            score_fusion=dict(
                type='ScoreFusion',
                score_file='data/activitynet/annotations/video_scores.json',
                topk=2))))

data_root = 'data/activitynet/'
ann_file = 'annotations/activitynet_1.3.json'
dataset = dict(
    _delete_=True,  # wherever it is used below, too
    type='SegmentDataset',
    data_root=data_root,
    ann_file=ann_file,
    data_prefix=dict(feat='tsp_features'),
    feat_dims=512,
    feat_stride=16,
    num_frames=16,
    fps=15,
    class_agnostic=True,
    remove_duplicates=True)
train_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='ResizeFeatures', size=max_seq_len),
    dict(type='SecondsToGrid'),
    dict(type='CutSegmentsToFeatures', trunc_thresh=0.5),
    dict(type='PackSegmentInputs')
]
test_pipeline = [
    dict(type='LoadSegmentFeatures'),
    dict(type='ResizeFeatures', size=max_seq_len),
    dict(type='SecondsToGrid'),
    dict(type='PackSegmentInputs')
]
train_dataloader = dict(
    batch_size=16,
    dataset=dict(subset='training', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    batch_size=16,
    dataset=dict(
        subset='validation', pipeline=test_pipeline, test_mode=True,
        **dataset))
test_dataloader = val_dataloader
val_evaluator = dict(
    ann_file=data_root + ann_file,
    subset='validation',
    tious=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95))
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(lr=1e-3))
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
