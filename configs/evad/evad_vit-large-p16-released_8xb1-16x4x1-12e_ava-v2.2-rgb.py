# For the authors' checkpoint (ViT-L): it expects tokens where their code put
# them, not at their own places.
_base_ = ['evad_vit-large-p16_8xb1-16x4x1-12e_ava-v2.2-rgb.py']

token_order = 'importance'
model = dict(context_decoder=dict(token_order=token_order))
