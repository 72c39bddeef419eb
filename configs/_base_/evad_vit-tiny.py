# A small EVAD for two CPU cores: 8 frames of 96x128, 20 queries.
clip_shape = dict(img_size=96, patch_size=16, num_frames=8, tubelet_size=2)
model = dict(
    type='EVAD',
    person_score_thr=0.7,
    data_preprocessor=dict(
        type='EVADDataPreprocessor',
        mean=[114.75, 114.75, 114.75],
        std=[57.375, 57.375, 57.375]),
    backbone=dict(
        type='KeyframeTokenPruneViT',
        embed_dims=192,
        depth=6,
        num_heads=3,
        drop_path_rate=0.,
        keep_rate=0.7,
        prune_blocks=(1, 3),
        out_indices=(0, 2, 4, 5),
        **clip_shape),
    neck=dict(
        type='KeyframeFPN',
        in_channels=[192, 192, 192, 192],
        out_channels=64,
        num_outs=4),
    actor_head=dict(
        type='QueryActorHead',
        num_queries=20,
        num_stages=3,
        channels=64,
        num_heads=4,
        feedforward_channels=256,
        dynamic_channels=16),
    context_decoder=dict(
        type='ContextRefineDecoder',
        in_channels=192,
        embed_dims=96,
        depth=2,
        num_heads=3,
        fc_channels=256,
        drop_path_rate=0.,
        **clip_shape))

val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=4e-4, weight_decay=1e-4),
    constructor='EVADOptimWrapperConstructor',
    paramwise_cfg=dict(head_lr_mult=2.),
    clip_grad=dict(max_norm=10.))
