# EVAD ViT-B on split 1 of JHMDB, rho = 0.6.
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

keep_rate = 0.6
num_classes = 21
split = 1
data_root = 'data/jhmdb'
ann_file = f'{data_root}/JHMDB-GT.pkl'

model = dict(
    backbone=dict(keep_rate=keep_rate),
    context_decoder=dict(num_classes=num_classes))

rescale = dict(type='RandomRescale', scale_range=(256, 320))
train_pipeline = [*_base_.load, rescale, *_base_.augment, *_base_.finish]
dataset = dict(
    _delete_=True,  # wherever it is used below, too
    type='TubeDataset',
    ann_file=ann_file,
    data_prefix=dict(img=f'{data_root}/Frames'),
    filename_tmpl='{:05}.png',
    split=split)
train_dataloader = dict(
    dataset=dict(subset='train', pipeline=train_pipeline, **dataset))
val_dataloader = dict(
    dataset=dict(
        subset='test',
        pipeline=_base_.test_pipeline,
        test_mode=True,
        **dataset))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='TubeMAP', ann_file=ann_file, split=split, subset='test'),
    dict(type='PersonAP', ann_file=ann_file, split=split, subset='test')
]
test_evaluator = val_evaluator
