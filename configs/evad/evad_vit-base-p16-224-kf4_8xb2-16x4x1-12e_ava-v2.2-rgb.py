# Ablation, 224 pixels: w_kf = 4.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keyframe_weight = 4.
model = dict(backbone=dict(keyframe_weight=keyframe_weight))
