# Ablation, 224 pixels: context decoder of 3 blocks instead of 6.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

model = dict(context_decoder=dict(depth=3))
