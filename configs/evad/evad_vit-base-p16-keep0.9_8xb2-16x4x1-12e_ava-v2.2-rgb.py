# EVAD ViT-B on AVA v2.2, rho = 0.9.
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keep_rate = 0.9
model = dict(backbone=dict(keep_rate=keep_rate))
