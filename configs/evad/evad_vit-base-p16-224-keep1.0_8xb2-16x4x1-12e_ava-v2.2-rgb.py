# Ablation, 224 pixels: rho = 1.0: every token is kept.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keep_rate = 1.0
model = dict(backbone=dict(keep_rate=keep_rate))
