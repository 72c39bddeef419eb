# ActionFormer on ActivityNet 1.3 with TSP features: every video resized to 192
# features, one class of proposals, labelled by external video-level scores.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/actionformer.py',
    '../_base_/datasets/activitynet_tsp.py'
]

model = dict(
    neck=dict(
        in_channels=512,
        embed_dims=256,
        max_seq_len=192,
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
optim_wrapper = dict(optimizer=dict(lr=1e-3))

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=15)
_base_.param_scheduler[1].update(T_max=10, end=15)

default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
