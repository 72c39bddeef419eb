# Copyright (c) mmevad authors. All rights reserved.
"""The parts of a config agree with each other, and with its name."""
from .catalog import PATHS, entry, every, load

EVAD = [path for path in PATHS if path.parent.name == 'evad']
ACTIONFORMER = [path for path in PATHS if path.parent.name == 'actionformer']


@every(PATHS)
def test_name_tells_batch_and_epochs(path):
    cfg = load(path)
    runs, _, *epochs = path.stem.split('_')[2].split('-')
    batch = int(runs.split('xb')[1])
    assert batch == cfg.train_dataloader.batch_size
    assert epochs in ([], [f'{cfg.train_cfg.max_epochs}e'])
    if 'auto_scale_lr' in cfg:
        gpus = int(runs.split('xb')[0])
        assert cfg.auto_scale_lr.base_batch_size == gpus * batch


@every(EVAD)
def test_evad(path):
    cfg = load(path)
    backbone, decoder = cfg.model.backbone, cfg.model.context_decoder
    length, interval, _ = path.stem.split('_')[2].split('-')[1].split('x')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        sampling = loader.dataset.pipeline[0]
        assert int(length) == sampling.clip_len == backbone.num_frames
        assert int(interval) == sampling.frame_interval
    for key in ('img_size', 'patch_size', 'num_frames', 'tubelet_size'):
        assert decoder[key] == backbone[key]
    assert cfg.model.neck.in_channels == [backbone.embed_dims] * 4
    assert decoder.in_channels == backbone.embed_dims
    assert entry(path)['Metadata']['Keep rate'] == backbone.keep_rate
    assert ('released' in path.stem) == (
        decoder.get('token_order') == 'importance')
    # a child that changes the model changes the name at the top too
    for name, part in (('keep_rate', backbone), ('keyframe_weight', backbone),
                       ('num_classes', decoder), ('token_order', decoder)):
        assert cfg.get(name, part.get(name)) == part.get(name), name
    if 'pretrained' in cfg:
        assert cfg.pretrained == backbone.init_cfg.checkpoint


@every(EVAD)
def test_evaluators_of_evad_read_what_the_dataset_does(path):
    cfg = load(path)
    for part in ('val', 'test'):
        tested = cfg[f'{part}_dataloader'].dataset
        assert tested.test_mode
        evaluators = cfg[f'{part}_evaluator']
        for evaluator in evaluators if isinstance(evaluators,
                                                  list) else [evaluators]:
            for key in ('ann_file', 'label_file', 'num_classes', 'split',
                        'subset', 'exclude_file'):
                if key in evaluator:
                    assert evaluator[key] == tested.get(key), key


@every(ACTIONFORMER)
def test_actionformer(path):
    cfg = load(path)
    neck, head = cfg.model.neck, cfg.model.head
    length, interval, _ = path.stem.split('_')[2].split('-')[1].split('x')
    dataset = cfg.train_dataloader.dataset
    assert int(length) == neck.max_seq_len
    assert int(interval) == dataset.feat_stride
    assert dataset.feat_dims == neck.in_channels
    assert neck.embed_dims == head.in_channels
    assert dataset.get('class_agnostic', False) == (head.num_classes == 1)
    assert ('score_fusion' in head.test_cfg) == (head.num_classes == 1)
    crops = [t for t in dataset.pipeline if t.type == 'RandomCropSegments']
    assert all(t.max_seq_len == neck.max_seq_len for t in crops)
    for part in ('val', 'test'):
        tested = cfg[f'{part}_dataloader'].dataset
        evaluator = cfg[f'{part}_evaluator']
        assert evaluator.ann_file == tested.data_root + tested.ann_file
        assert evaluator.subset == tested.subset
    warm, cosine = cfg.param_scheduler
    assert warm.end == cosine.begin
    assert cosine.end == cosine.begin + cosine.T_max
    assert cosine.end == cfg.train_cfg.max_epochs
