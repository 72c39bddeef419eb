# For the authors' checkpoint (rho = 0.6, w_kf = 4): it expects tokens where
# their code put them, not at their own places.
_base_ = ['evad_vit-base-p16-keep0.6-kf4_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

token_order = 'importance'
model = dict(context_decoder=dict(token_order=token_order))
