# Ablation, 224 pixels: rho = 0.6.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keep_rate = 0.6
model = dict(backbone=dict(keep_rate=keep_rate))
