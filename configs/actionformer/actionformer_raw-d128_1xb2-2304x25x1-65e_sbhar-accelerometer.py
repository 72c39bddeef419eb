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
_base_.custom_hooks[0].momentum = 0.01
train_dataloader = dict(num_workers=1)
val_dataloader = dict(num_workers=1)
test_dataloader = val_dataloader

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=65, val_interval=65)
_base_.param_scheduler[1].update(T_max=60, end=65)
