# Ablation: with an absolute position (published average 66.6).
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(neck=dict(use_abs_pe=True))
