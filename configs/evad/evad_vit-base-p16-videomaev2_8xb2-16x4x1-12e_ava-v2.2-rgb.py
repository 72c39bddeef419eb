# EVAD ViT-B on AVA v2.2, rho = 0.7, from VideoMAE v2 (distilled from ViT-g).
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

pretrained = 'checkpoints/videomaev2_vit-base.pth'
model = dict(backbone=dict(init_cfg=dict(checkpoint=pretrained)))
