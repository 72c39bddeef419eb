# For the authors' checkpoint (rho = 0.7, VideoMAE v2): it expects tokens where
# their code put them, not at their own places.
_base_ = ['evad_vit-base-p16-videomaev2_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

token_order = 'importance'
model = dict(context_decoder=dict(token_order=token_order))
