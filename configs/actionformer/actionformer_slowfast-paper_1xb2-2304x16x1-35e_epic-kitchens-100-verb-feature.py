# The paper's text instead of the released settings: 8 heads, 30 epochs.
_base_ = './actionformer_slowfast_1xb2-2304x16x1-21e_epic-kitchens-100-verb-feature.py'  # noqa: E501

model = dict(neck=dict(num_heads=8))
train_cfg = dict(max_epochs=35)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-8,
        begin=0,
        end=5,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=30,
        eta_min=1e-8,
        begin=5,
        end=35,
        by_epoch=True,
        convert_to_iter_based=True)
]
