# Ablation, 224 pixels: tokens of the keyframe can be dropped like all others.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

model = dict(backbone=dict(selector='unified'))
