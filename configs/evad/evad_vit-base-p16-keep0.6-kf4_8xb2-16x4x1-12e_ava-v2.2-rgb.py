# EVAD ViT-B on AVA v2.2, rho = 0.6; queries of the keyframe count four times
# in the importance of a token.
_base_ = ['evad_vit-base-p16-keep0.6_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keyframe_weight = 4.
model = dict(backbone=dict(keyframe_weight=keyframe_weight))
