# The paper's text instead of the released settings: 8 heads, and seven levels
# of which both blocks at full rate are one each.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(
    neck=dict(num_heads=8, stem_outputs='all'),
    head=dict(
        point_generator=dict(
            strides=(1, 1, 2, 4, 8, 16, 32),
            regress_ranges=((0, 4), (4, 8), (8, 16), (16, 32), (32, 64),
                            (64, 128), (128, float('inf'))))))
