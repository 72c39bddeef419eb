# ActionFormer on Ego4D moment queries, SlowFast features, seven levels.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/actionformer.py',
    '../_base_/datasets/ego4d_slowfast.py'
]

model = dict(
    neck=dict(
        in_channels=2304,
        max_seq_len=1024,
        arch=(2, 1, 6),
        window_size=9,
        use_abs_pe=True,
        dropout=0.1),
    head=dict(
        num_classes=110,
        point_generator=dict(
            strides=(1, 2, 4, 8, 16, 32, 64),
            regress_ranges=((0, 4), (2, 8), (4, 16), (8, 32), (16, 64),
                            (32, 128), (64, 10000))),
        test_cfg=dict(
            nms=dict(sigma=0.9, max_seg_num=2000, voting_thresh=0.95))))

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=15)
_base_.param_scheduler[1].update(T_max=10, end=15)

default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
