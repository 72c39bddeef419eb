# EVAD ViT-B on AVA v2.2, rho = 0.7, clips with a short side of 224 pixels:
# what the ablations start from.
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

short_side = 224
resize = dict(type='Resize', scale=(short_side, 1333))
train_pipeline = [*_base_.load, resize, *_base_.augment, *_base_.finish]
test_pipeline = [*_base_.load, resize, *_base_.finish]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
