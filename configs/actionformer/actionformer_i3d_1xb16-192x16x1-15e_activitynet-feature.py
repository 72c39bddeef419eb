# ActionFormer on ActivityNet 1.3 with I3D features (two streams, 25 frames/s).
_base_ = './actionformer_tsp_1xb16-192x16x1-15e_activitynet-feature.py'

model = dict(neck=dict(in_channels=2048))
dataset = dict(data_prefix=dict(feat='i3d_features'), feat_dims=2048, fps=25)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
