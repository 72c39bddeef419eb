# The paper's text instead of the released settings: 8 heads, window 11.
_base_ = './actionformer_i3d_1xb16-192x16x1-15e_activitynet-feature.py'

model = dict(neck=dict(num_heads=8, window_size=11))
