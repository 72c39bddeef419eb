# Ablation: a pyramid of 7 levels instead of 6.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(
    neck=dict(arch=(2, 2, 6)),
    head=dict(
        point_generator=dict(
            strides=(1, 2, 4, 8, 16, 32, 64),
            regress_ranges=((0, 4), (4, 8), (8, 16), (16, 32), (32, 64),
                            (64, 128), (128, 10000)))))
