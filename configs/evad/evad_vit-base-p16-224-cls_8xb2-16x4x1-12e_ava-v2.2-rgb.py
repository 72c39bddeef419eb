# Ablation, 224 pixels: attention of a class token decides which tokens stay.
# VideoMAE has no such token: it starts from zero.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

model = dict(backbone=dict(selector='cls'))
