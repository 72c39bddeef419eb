# Ablation: a pyramid of 3 levels instead of 6.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(
    neck=dict(arch=(2, 2, 2)),
    head=dict(
        point_generator=dict(
            strides=(1, 2, 4), regress_ranges=((0, 4), (4, 8), (8, 10000)))))
