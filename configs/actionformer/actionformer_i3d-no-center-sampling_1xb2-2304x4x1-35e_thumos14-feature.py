# Ablation: no centre sampling (published average 65.4).
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(head=dict(center_sample='none'))
