# A model of one number, to run tools/train.py and tools/test.py in seconds.
default_scope = 'mmaction'
custom_imports = dict(imports=['tests.toy'], allow_failed_imports=False)
model = dict(type='ToyModel')
dataset = dict(type='ToyDataset')
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dataset)
test_dataloader = train_dataloader
val_dataloader = train_dataloader
test_evaluator = dict(type='ToyMetric')
val_evaluator = test_evaluator
train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
param_scheduler = dict(
    type='OneCycleLR', eta_max=0.1, total_steps=4, by_epoch=False)
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        save_best='toy/value',
        rule='greater'))
env_cfg = dict(dist_cfg=dict(backend='gloo'))
