# The SBHAR example, small enough for two CPU cores.
_base_ = './actionformer_raw-d512_1xb2-2304x25x1-105e_sbhar-accelerometer.py'

model = dict(
    neck=dict(embed_dims=128),
    head=dict(
        in_channels=128,
        feat_channels=128,
        test_cfg=dict(nms=dict(min_score=0.001))))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
# 650 iterations are too few for the usual 0.001: half of the average would
# still be the initial weights
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExponentialMovingAverage',
        momentum=0.01,
        update_buffers=False)
]
train_dataloader = dict(num_workers=1)
val_dataloader = dict(num_workers=1)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=65, val_interval=65)
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
        T_max=60,
        eta_min=1e-8,
        begin=5,
        end=65,
        by_epoch=True,
        convert_to_iter_based=True)
]
