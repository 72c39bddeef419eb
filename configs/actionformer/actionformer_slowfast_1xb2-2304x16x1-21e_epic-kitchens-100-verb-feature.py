# ActionFormer on EPIC-Kitchens 100, verbs, SlowFast features.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/actionformer.py',
    '../_base_/datasets/epic_kitchens_slowfast.py'
]

model = dict(
    neck=dict(in_channels=2304, window_size=9),
    head=dict(
        num_classes=97,
        point_generator=dict(
            regress_ranges=((0, 4), (2, 8), (4, 16), (8, 32), (16, 64),
                            (32, 10000))),
        init_loss_norm=250,
        test_cfg=dict(
            pre_nms_topk=5000,
            nms=dict(sigma=0.4, max_seg_num=2000, voting_thresh=0.75))))

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=21)
_base_.param_scheduler[1].update(T_max=16, end=21)

default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
