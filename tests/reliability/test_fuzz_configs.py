# Copyright (c) mmevad authors. All rights reserved.
"""Wrong options either build or are refused by class and option.

Every option of small models, and of what surrounds them, gets every wrong
value once; the ordinary tests take a share of them, ``make test-reliability``
all.
"""
import copy
import inspect
import math
import sys
from collections import Counter

import pytest

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmengine.registry import init_default_scope

from mmevad.utils.errors import DataError
from ..test_models.test_actionformer import small as actionformer
from ..test_models.test_evad import small as evad

# sizes are far beyond memory, so that one that is taken would be noticed
VALUES = [None, True, 'x', '', -1, 0, 0.5, 2., -0.5, 10**7, 2**63, 10**400,
          math.nan, math.inf, [], [1], [-1, 0], [1, 2, 3, 4, 5, 6, 7],
          ['a'], [None], [[]], {}, dict(type='Nope'), dict(type=3),
          object()]  # yapf: disable

# the other classes that take options; none of their files exists
OTHERS = [(TRANSFORMS, dict(type='DownsampleFeatures', rate=2)),
          (TRANSFORMS, dict(type='ResizeFeatures', size=8)),
          (TRANSFORMS, dict(type='CutSegmentsToFeatures', trunc_thresh=.5)),
          (TRANSFORMS,
           dict(type='RandomCropSegments', max_seq_len=8, trunc_thresh=.5)),
          (HOOKS, dict(type='DetectionVisualizationHook')),
          (HOOKS, dict(type='SafeCheckpointHook', interval=1)),
          (METRICS, dict(type='SegmentMAP', ann_file='no.json')),
          (METRICS, dict(type='TubeMAP', ann_file='no.pkl')),
          (METRICS, dict(type='PersonAP', ann_file='no.csv')),
          (METRICS,
           dict(
               type='AVAFrameMAP',
               ann_file='no.csv',
               exclude_file=None,
               label_file='no.txt')),
          (DATASETS,
           dict(
               type='SegmentDataset',
               ann_file='no.json',
               feat_stride=4.,
               num_frames=16.,
               pipeline=[])),
          (DATASETS,
           dict(
               type='TubeDataset',
               ann_file='no.pkl',
               pipeline=[],
               data_prefix=dict(img='no'))),
          (DATASETS,
           dict(
               type='CheckedAVADataset',
               ann_file='no.csv',
               pipeline=[],
               data_prefix=dict(img='no')))]


def base_configs():
    return [
        dict(
            type='ActionFormer',
            neck=actionformer.neck_config(),
            head=actionformer.head_config(
                test_cfg=dict(nms=dict(type='SoftNMS')))),
        evad.detector_config()
    ]


def parts(tree, path=()):
    """Path of every dict that names a class of ours."""
    if 'type' in tree:
        cls = MODELS.get(tree['type'])
        if cls is not None and cls.__module__.startswith('mmevad'):
            yield path, cls
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from parts(value, path + (key, ))


def cases():
    """(registry, config, class, option, value) with one option changed."""
    places = [(MODELS, base, path, cls) for base in base_configs()
              for path, cls in parts(base)]
    places += [(registry, base, (), registry.get(base['type']))
               for registry, base in OTHERS]
    for registry, base, path, cls in places:
        names = [
            p.name for p in inspect.signature(cls).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        changes = [(n, v) for n in names for v in VALUES]
        changes += [(n + '_', 1) for n in names]
        for name, value in changes:
            cfg = copy.deepcopy(base)
            part = cfg
            for key in path:
                part = part[key]
            part[name] = value
            yield registry, cfg, cls, name, value


def outcome(registry, cfg, cls, name, value):
    """'built' or 'refused'; any other error is one of the test."""
    try:
        registry.build(cfg)
    except DataError as error:
        message = str(error)
        assert '\n' not in message and len(message) < 600, message
        # of widths that do not go together, another module may speak, and
        # a file that is not there may be told first
        speaker = message.split(':')[0].split(' ')[0]
        assert any(speaker in r.module_dict for r in (registry, MODELS)) or (
            name in message or 'does not exist' in message), message
        return 'refused'
    except Exception as error:
        raise AssertionError(
            f'{cls.__name__}.{name}={str(type(value))}: '
            f'{type(error).__name__}: {str(error)[:200]}') from error
    return 'built'


def fuzz(every):
    init_default_scope('mmaction')
    counts, problems = Counter(), []
    for number, case in enumerate(cases()):
        if number % every:
            continue
        try:
            counts[outcome(*case)] += 1
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, f'{len(problems)} problems:\n' + '\n'.join(problems)
    return counts


def test_some_wrong_options():
    counts = fuzz(every=47)
    assert sum(counts.values()) > 80
    assert counts['built'] and counts['refused']


@pytest.mark.reliability
def test_all_wrong_options():
    counts = fuzz(every=1)
    print(dict(counts), file=sys.stderr)
    assert sum(counts.values()) > 2000
    assert counts['refused'] > 5 * counts['built']
