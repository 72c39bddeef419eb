# EVAD ViT-B on MultiSports, rho = 0.7, from video files. Not in the paper.
_base_ = ['evad_vit-base-p16-keep0.6_8xb2-16x4x1-12e_jhmdb-split1-rgb.py']

keep_rate = 0.7
num_classes = 66
data_root = 'data/multisports'
ann_file = f'{data_root}/annotations/multisports_GT.pkl'

model = dict(
    backbone=dict(keep_rate=keep_rate),
    context_decoder=dict(num_classes=num_classes))

load = [_base_.load[0], dict(type='VideoFrameDecode')]
train_pipeline = [*load, _base_.resize, *_base_.augment, *_base_.finish]
test_pipeline = [*load, _base_.resize, *_base_.finish]
dataset = dict(
    ann_file=ann_file,
    data_prefix=dict(_delete_=True, video=f'{data_root}/trainval'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader

val_evaluator = [
    dict(_base_.val_evaluator[0], ann_file=ann_file),
    dict(_base_.val_evaluator[1], ann_file=ann_file)
]
test_evaluator = val_evaluator
