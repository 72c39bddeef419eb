# EVAD ViT-B on split 1 of UCF101-24, rho = 0.6.
_base_ = ['evad_vit-base-p16-keep0.6_8xb2-16x4x1-12e_jhmdb-split1-rgb.py']

num_classes = 24
data_root = 'data/ucf101_24'
ann_file = f'{data_root}/UCF101v2-GT.pkl'

model = dict(context_decoder=dict(num_classes=num_classes))

train_resize = dict(type='Resize', scale=(224, 1333))
test_resize = dict(type='Resize', scale=(256, 1333))
train_pipeline = [*_base_.load, train_resize, *_base_.augment, *_base_.finish]
test_pipeline = [*_base_.load, test_resize, *_base_.finish]
dataset = dict(
    ann_file=ann_file,
    data_prefix=dict(img=f'{data_root}/rgb-images'),
    filename_tmpl='{:05}.jpg')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **dataset))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader

val_evaluator = [
    dict(_base_.val_evaluator[0], ann_file=ann_file),
    dict(_base_.val_evaluator[1], ann_file=ann_file)
]
test_evaluator = val_evaluator
