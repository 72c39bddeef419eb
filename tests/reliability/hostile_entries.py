# Copyright (c) mmevad authors. All rights reserved.
"""Everything of mmevad that reads files, as functions of a path."""
import importlib.util
import os
import os.path as osp
import sys
from functools import partial
from typing import Callable, Dict

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint

from mmevad.apis import EVADInferencer, TALInferencer
from mmevad.datasets import CheckedAVADataset, SegmentDataset, TubeDataset
from mmevad.datasets.ava_proposals import read_proposals
from mmevad.datasets.segment_features import FeatureFile, open_features
from mmevad.evaluation import read_ground_truth, read_results
from mmevad.evaluation.keyframe_truth import read_ava, read_persons
from mmevad.models.actionformer.score_fusion import read_class_scores
from mmevad.utils.checkpoint_file import read_checkpoint
from mmevad.utils.videomae import load_videomae
from tests.test_apis.tal import make_tal_config
from tests.test_models.test_evad.small import build_backbone

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
TOY = osp.join(ROOT, 'tests', 'data', 'toy_config.py')
Readers = Dict[str, Callable[[str], object]]


def _tool(name: str, *args: str, path: str) -> None:
    """A script of tools/, with ``PATH`` and ``OUT`` replaced."""
    out = osp.join(osp.dirname(path), 'out')
    args = [x.replace('PATH', path).replace('OUT', out) for x in args]
    place = osp.join(ROOT, 'tools', name)
    spec = importlib.util.spec_from_file_location('tool', place)
    module = importlib.util.module_from_spec(spec)
    sys.argv = [name, *args]
    spec.loader.exec_module(module)
    if name in ('train.py', 'test.py'):
        os.chdir(ROOT)
        module.main()
    else:
        module.main(args)


def _command(name: str, *args: str) -> Callable[[str], None]:
    return lambda path: _tool(name, *args, path=path)


def _segments(path: str) -> SegmentDataset:
    return SegmentDataset(path, 5, 5, pipeline=[], check_files=False)


def _tubes(path: str) -> TubeDataset:
    return TubeDataset(path, [], dict(img=''), check_files=False)


def _ava(path: str, **kwargs) -> CheckedAVADataset:
    return CheckedAVADataset(path, [], check_files=False, **kwargs)


def _evad(path: str) -> EVADInferencer:
    config = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb'
    return EVADInferencer(config, path, device='cpu')


def _tal(path: str) -> TALInferencer:
    return TALInferencer(make_tal_config(), path, device='cpu')


PICKLES: Readers = {
    'TubeDataset':
    _tubes,
    'PersonAP':
    read_persons,
    'ScoreFusion':
    read_class_scores,
    'proposal_file':
    read_proposals,
    'tubes_to_ava.py':
    _command('data/ucf101_24/tubes_to_ava.py', 'PATH', '--out', 'OUT'),
}
CHECKPOINTS: Readers = {
    'read_checkpoint':
    read_checkpoint,
    'init_cfg=Pretrained':
    lambda path: load_checkpoint(torch.nn.Linear(1, 1), path),
    'VideoMAE backbone':
    lambda path: load_videomae(build_backbone(), path),
    'EVADInferencer':
    _evad,
    'TALInferencer':
    _tal,
    'converters/evad.py':
    _command('converters/evad.py', 'PATH', 'OUT', '--config',
             'evad_vit-b-p16_8xb16-16x4x1-released_ava-v22-rgb'),
    'converters/actionformer.py':
    _command('converters/actionformer.py', 'PATH', 'OUT', '--config', 'none'),
    'converters/videomae.py':
    _command('converters/videomae.py', 'PATH', 'OUT', '--config', 'none'),
    'publish_model.py':
    _command('misc/publish_model.py', 'PATH', 'OUT.pth'),
}
# these start a runner each time
TRAININGS: Readers = {
    'train.py load_from':
    _command('train.py', TOY, '--work-dir', 'OUT', '--cfg-options',
             'load_from=PATH'),
    'train.py --resume':
    _command('train.py', TOY, '--work-dir', 'OUT', '--resume', 'PATH'),
    'test.py':
    _command('test.py', TOY, 'PATH', '--work-dir', 'OUT'),
}
JSONS: Readers = {
    'SegmentDataset':
    _segments,
    'TubeDataset':
    _tubes,
    'eval_segments.py truth':
    read_ground_truth,
    'eval_segments.py results':
    partial(read_results, truth=None),
    'ScoreFusion':
    read_class_scores,
    'proposal_file':
    read_proposals,
    'make_activitynet.py':
    _command('data/activitynet/make_activitynet.py', 'PATH', '--out', 'OUT'),
    'make_ego4d.py':
    _command('data/ego4d/make_ego4d.py', 'PATH', '--out', 'OUT'),
}


def _features_of_demo(path: str) -> None:
    from mmevad.apis.feature_sources import feature_file, place_in_time
    dataset = make_tal_config().test_dataloader.dataset
    place_in_time('a', feature_file(path, dataset), dataset, fps=30.)


FEATURES: Readers = {
    'SegmentDataset': lambda path: open_features(FeatureFile(path)),
    'tal_demo.py': _features_of_demo,
}
TEXTS: Readers = {
    'CheckedAVADataset':
    _ava,
    'AVAFrameMAP':
    read_ava,
    'exclude_file':
    lambda path: _ava(path, exclude_file=path),
    'label_file':
    lambda path: _ava(path, label_file=path),
    'classes of metainfo':
    lambda path: SegmentDataset(
        path, 5, 5, metainfo=dict(classes=path), pipeline=[]),
    'make_activitynet.py --classes':
    _command('data/activitynet/make_activitynet.py', 'PATH', '--out', 'OUT',
             '--classes', 'PATH'),
    'make_thumos14.py --durations':
    _command('data/thumos14/make_thumos14.py', osp.join(ROOT, 'tests'),
             '--out', 'OUT', '--durations', 'PATH'),
}


def prepare() -> None:
    """What the readers need, once, before they are forked."""
    init_default_scope('mmaction')
    torch.set_num_threads(1)
    sys.path.insert(0, ROOT)
    Config.fromfile(TOY)
