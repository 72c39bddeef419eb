# ActionFormer as released, six levels; datasets change what differs.
model = dict(
    type='ActionFormer',
    neck=dict(
        type='ActionFormerNeck',
        in_channels=2048,
        embed_dims=512,
        max_seq_len=2304,
        arch=(2, 2, 5),
        num_heads=4,
        window_size=19,
        drop_path_rate=0.1),
    head=dict(
        type='ActionFormerHead',
        num_classes=20,
        in_channels=512,
        feat_channels=512,
        point_generator=dict(
            type='PointGenerator',
            strides=(1, 2, 4, 8, 16, 32),
            regress_ranges=((0, 4), (4, 8), (8, 16), (16, 32), (32, 64),
                            (64, 10000))),
        center_sample='radius',
        center_sample_radius=1.5,
        loss_weight=1.,
        label_smoothing=0.,
        init_loss_norm=100,
        test_cfg=dict(
            pre_nms_thresh=0.001,
            pre_nms_topk=2000,
            duration_thresh=0.05,
            nms=dict(
                type='SoftNMS',
                method='soft',
                sigma=0.5,
                min_score=0.001,
                max_seg_num=200,
                multiclass=True,
                voting_thresh=0.7))))

# no decay on biases, LN, the scales of residual branches and relative
# positions
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.,
        bias_decay_mult=0.,
        custom_keys=dict(
            scale=dict(decay_mult=0.), rel_pe=dict(decay_mult=0.))),
    clip_grad=dict(max_norm=1.))
# 5 epochs of warm-up, then 30
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=35, val_interval=5)
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
        T_max=30,
        eta_min=1e-8,
        begin=5,
        end=35,
        by_epoch=True,
        convert_to_iter_based=True)
]
# the average of the weights is evaluated and saved as the weights
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExponentialMovingAverage',
        momentum=0.001,
        update_buffers=False)
]
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
