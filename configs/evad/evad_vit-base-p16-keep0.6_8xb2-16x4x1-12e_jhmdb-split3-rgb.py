# EVAD ViT-B on split 3 of JHMDB, rho = 0.6.
_base_ = ['evad_vit-base-p16-keep0.6_8xb2-16x4x1-12e_jhmdb-split1-rgb.py']

split = 3
train_dataloader = dict(dataset=dict(split=split))
val_dataloader = dict(dataset=dict(split=split))
test_dataloader = val_dataloader
val_evaluator = [
    dict(_base_.val_evaluator[0], split=split),
    dict(_base_.val_evaluator[1], split=split)
]
test_evaluator = val_evaluator
