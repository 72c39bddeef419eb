# Ablation: weight 0.5 of the regression loss instead of 1.
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(head=dict(loss_weight=0.5))
