# Ablation: convolutions instead of the transformer (published average 52.9).
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(neck=dict(backbone_type='conv'))
