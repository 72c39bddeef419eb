# Your own features, a worked example: the accelerometer signals of SBHAR
# (tools/data/sbhar), windows of 50 samples, 150 numbers each. The recipe is
# that of Bock et al., IMWUT 2024, on the split of UCI: 21 people, 9 people.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/actionformer.py',
    '../_base_/datasets/sbhar_accelerometer.py'
]

model = dict(
    neck=dict(in_channels=150, window_size=9),
    head=dict(
        num_classes=12,
        point_generator=dict(
            regress_ranges=((0, 4), (2, 8), (4, 16), (8, 32), (16, 64),
                            (32, 10000))),
        label_smoothing=0.1,
        init_loss_norm=250,
        test_cfg=dict(
            pre_nms_topk=5000,
            nms=dict(
                sigma=0.4, min_score=0., max_seg_num=2000,
                voting_thresh=0.75))))

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=105)
_base_.param_scheduler[1].update(T_max=100, end=105)

default_hooks = dict(checkpoint=dict(save_best='mAP', rule='greater'))
