# Ablation: no LN in the heads (published average 62.7).
_base_ = './actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py'

model = dict(head=dict(with_ln=False))
