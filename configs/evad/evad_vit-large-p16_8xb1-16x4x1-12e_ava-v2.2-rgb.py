# EVAD ViT-L on AVA v2.2, rho = 0.7.
_base_ = ['evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py']

pretrained = 'checkpoints/videomae_vit-large_k400.pth'
model = dict(
    backbone=dict(
        embed_dims=1024,
        depth=24,
        num_heads=16,
        drop_path_rate=0.2,
        prune_blocks=(6, 12, 18),
        out_indices=(5, 11, 17, 23),
        init_cfg=dict(checkpoint=pretrained)),
    neck=dict(in_channels=[1024, 1024, 1024, 1024]),
    context_decoder=dict(
        in_channels=1024,
        embed_dims=512,
        depth=12,
        num_heads=8,
        loss_weight=6.))

train_dataloader = dict(batch_size=1)
optim_wrapper = dict(optimizer=dict(lr=1e-5))
_base_.param_scheduler[0].update(start_factor=0.25)  # also from 2.5e-6
auto_scale_lr = dict(base_batch_size=8)
