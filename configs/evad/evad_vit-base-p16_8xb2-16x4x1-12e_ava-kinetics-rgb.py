# EVAD ViT-B on AVA-Kinetics, rho = 0.7: keyframes of AVA v2.2 and of clips of
# Kinetics-700.
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

data_root = 'data/ava_kinetics/rawframes'
anno_root = 'data/ava_kinetics/annotations'
label_file = f'{anno_root}/ava_action_list_v2.2_for_activitynet_2019.pbtxt'
train_files = dict(
    ann_file=f'{anno_root}/ava_train_v2.2.csv',
    exclude_file=f'{anno_root}/ava_train_excluded_timestamps_v2.2.csv')
val_files = dict(
    ann_file=f'{anno_root}/ava_val_v2.2.csv',
    exclude_file=f'{anno_root}/ava_val_excluded_timestamps_v2.2.csv')
dataset = dict(
    type='CheckedAVAKineticsDataset',
    label_file=label_file,
    data_prefix=dict(img=data_root))
train_dataloader = dict(dataset=dict(**train_files, **dataset))
val_dataloader = dict(dataset=dict(**val_files, **dataset))
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
