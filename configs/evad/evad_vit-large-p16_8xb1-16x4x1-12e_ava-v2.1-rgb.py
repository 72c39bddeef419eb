# EVAD ViT-L on AVA v2.1, rho = 0.7.
_base_ = ['evad_vit-large-p16_8xb1-16x4x1-12e_ava-v2.2-rgb.py']

label_file = (
    f'{_base_.anno_root}/ava_action_list_v2.1_for_activitynet_2018.pbtxt')
train_files = dict(
    ann_file=f'{_base_.anno_root}/ava_train_v2.1.csv',
    exclude_file=f'{_base_.anno_root}/ava_train_excluded_timestamps_v2.1.csv')
val_files = dict(
    ann_file=f'{_base_.anno_root}/ava_val_v2.1.csv',
    exclude_file=f'{_base_.anno_root}/ava_val_excluded_timestamps_v2.1.csv')
train_dataloader = dict(dataset=dict(label_file=label_file, **train_files))
val_dataloader = dict(dataset=dict(label_file=label_file, **val_files))
test_dataloader = val_dataloader
val_evaluator = [
    dict(
        type='AVAFrameMAP',
        label_file=label_file,
        num_classes=_base_.num_classes + 1,
        **val_files),
    dict(type='PersonAP', **val_files)
]
test_evaluator = val_evaluator
