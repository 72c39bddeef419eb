# Ablation, 224 pixels: a random choice of tokens stays, drawn before the first
# block.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

model = dict(backbone=dict(selector='random'))
