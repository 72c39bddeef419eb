# Ablation: attention within 25 features instead of 19.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(neck=dict(window_size=25))
