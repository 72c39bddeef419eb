# Copyright (c) mmevad authors. All rights reserved.
"""Wrong options are named with their class, and right ones pass."""
import copy
import inspect
import math
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np
import pytest
from mmengine.config import ConfigDict

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS, TRANSFORMS

from mmevad.utils.annotations import describe, fits
from mmevad.utils.arguments import with_checked_options
from mmevad.utils.errors import ConfigError
from mmevad.utils.failures import explain
from ..test_models.test_actionformer import small


@pytest.mark.parametrize('value,hint,right', [
    (1, int, True), (True, int, False), (1., int, False),
    (np.int64(1), int, True), (1, float, True), (math.nan, float, False),
    (math.inf, float, False), (10**400, float, False), (True, float, False),
    (1, bool, False), ('a', Sequence[str], False), (None, str, False),
    (None, Optional[int], True), ([1, 2], Tuple[int, int], True),
    ([1], Tuple[int, int], False), ((1, 2), List[int], True),
    ((1, 'a'), List[int], False), (np.ones(2), Sequence[float], True),
    ([[0, 1], (1, 2)], Sequence[Tuple[float, float]], True),
    ([[0, 1, 2]], Sequence[Tuple[float, float]], False),
    (ConfigDict(a=1), dict, True), ({}, ConfigDict, True), (3, Any, True),
    ([1], Union[int, Sequence[int]], True)
])  # yapf: disable
def test_values_against_annotations(value, hint, right):
    assert fits(value, hint) is right


def test_annotations_in_words():
    assert describe(Tuple[int, int, int]) == 'a list of 3 integers'
    assert describe(
        Union[int, Sequence[int],
              None]) == ('an integer or a list of integers or None')


@pytest.mark.parametrize('options,words', [
    (dict(arch=None), ['arch=None', 'a list of 3 integers']),
    (dict(embed_dim=16), ["'embed_dim'", 'did you mean embed_dims?']),
    (dict(with_ln=1), ['with_ln=1', 'True or False']),
    (dict(num_heads=0), ['num_heads=0', 'from 1']),
    (dict(num_heads=3), ['embed_dims=16', 'num_heads=3']),
    (dict(window_size=[]), ['window_size is empty']),
    (dict(out_channels=0), ['out_channels=0']),
    (dict(dropout=math.nan), ['dropout=nan', 'a finite number']),
])  # yapf: disable
def test_class_and_option_are_named(options, words):
    with pytest.raises(ConfigError) as error:
        small.build(neck=options)
    message = str(error.value)
    assert message.startswith('ActionFormerNeck') and '\n' not in message
    assert all(word in message for word in words), message
    assert explain(error.value, 'work_dir') == message


def test_unknown_and_missing_types_are_named():
    for cfg in (dict(type='Nope'), dict(sigma=1.)):
        with pytest.raises(ConfigError, match='ActionFormerHead.*test_cfg'):
            small.build(head=dict(test_cfg=dict(nms=cfg)))


def test_missing_options_are_named():
    with pytest.raises(ConfigError, match='DownsampleFeatures needs rate'):
        TRANSFORMS.build(dict(type='DownsampleFeatures'))


def test_names_go_on_to_base_classes():
    kind = 'EVADDataPreprocessor'
    MODELS.build(dict(type=kind, mean=[1.], std=[1.]))
    with pytest.raises(ConfigError, match=f'{kind}.*did you mean mean'):
        MODELS.build(dict(type=kind, maen=[1.]))
    with pytest.raises(ConfigError, match=f'{kind} has no option .format_s'):
        MODELS.build(dict(type=kind, format_shape='NCHW'))

    @with_checked_options
    class TwoLevels(MODELS.get('KeyframeFPN')):

        def __init__(self, **kwargs):
            super().__init__(num_outs=2, **kwargs)

    options = dict(in_channels=[4, 4], out_channels=4)
    assert TwoLevels(**options).num_outs == 2
    with pytest.raises(ConfigError, match='TwoLevels sets num_outs itself'):
        TwoLevels(num_outs=3, **options)


def test_signature_subclasses_and_copies():
    neck = MODELS.get('ActionFormerNeck')
    assert 'arch' in inspect.signature(neck).parameters

    class Wider(neck):

        def __init__(self, extra: int, **kwargs) -> None:
            super().__init__(**kwargs)
            self.extra = extra

    with_checked_options(Wider)
    cfg = small.neck_config()
    cfg.pop('type')
    assert copy.deepcopy(Wider(extra=1, **cfg)).extra == 1
    with pytest.raises(ConfigError, match='^Wider got arch=1'):
        Wider(extra=1, **dict(cfg, arch=1))
