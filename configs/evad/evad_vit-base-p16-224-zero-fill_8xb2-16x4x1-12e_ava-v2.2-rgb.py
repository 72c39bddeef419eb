# Ablation, 224 pixels: dropped places of the full map are zero, as in the
# paper's text, instead of a learned token with a position.
_base_ = ['evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

model = dict(context_decoder=dict(fill='zero'))
