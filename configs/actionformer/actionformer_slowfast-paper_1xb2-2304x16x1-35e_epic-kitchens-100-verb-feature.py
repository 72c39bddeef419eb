# The paper's text instead of the released settings: 8 heads, 30 epochs.
_base_ = './actionformer_slowfast_1xb2-2304x16x1-21e_epic-kitchens-100-verb-feature.py'  # noqa: E501

model = dict(neck=dict(num_heads=8))

# after 5 epochs of warm-up
train_cfg = dict(max_epochs=35)
_base_.param_scheduler[1].update(T_max=30, end=35)
