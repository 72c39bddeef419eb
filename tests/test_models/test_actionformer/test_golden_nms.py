"""Decoding, NMS, voting and fusion against the released code's numbers.

Everything is read from the folder, so another one of the same form (see
MMEVAD_GOLDEN) can be tested; files may be absent.
"""
import json
import re

import numpy as np
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.models.actionformer.postprocess import decode, to_seconds
from mmevad.structures.segments import FeatureGrid
from .golden_model import GRID, load, load_json, nms_config

NAMES = ('segments', 'scores', 'labels')
CASES, NMS = load('nms_cases.npz'), load_json('nms_configs.json')
COMBOS = sorted({
    key.rsplit('/', 1)[0]
    for key in CASES
    if key.split('/')[1] in NMS.get('combos', ()) and key.endswith('/scores')
})
BASE, TINY = load('tiny_base.npz'), load_json('tiny_configs.json')
LENGTHS = sorted({
    int(m[1])
    for m in (re.match(r'eval(\d+)/candidates/', k) for k in BASE) if m
})
RESULTS = sorted({
    key[:-len('/scores')]
    for key in BASE if re.match(r'eval\d+/result/.*/scores$', key)
})
FUSION = load('extras.npz'), load_json('extras.json')


def triple(arrays, prefix):
    return [arrays[f'{prefix}/{name}'] for name in NAMES]


def tensors(arrays, prefix):
    return [torch.from_numpy(part) for part in triple(arrays, prefix)]


def agree(got, expected, given=None):
    """Same scores in order, same rows up to the order of equal scores.

    A zero-length segment has no voters: the released code makes it NaN; here
    it has to stay one of those given.
    """
    got = [np.asarray(part) for part in got]
    if any(a.shape != b.shape for a, b in zip(got, expected)):
        return False
    if not np.allclose(got[1], expected[1], rtol=0, atol=1e-6):
        return False
    if not np.isfinite(got[0]).all():
        return False
    segments, undefined = expected[0].copy(), np.isnan(expected[0]).any(1)
    if undefined.any():
        points = given[given[:, 0] == given[:, 1]]
        if not (got[0][undefined][:, None] == points).all(2).any(1).all():
            return False
        segments[undefined] = got[0][undefined]
    same = np.isclose(got[0][:, None], segments, rtol=1e-6, atol=1e-6).all(2)
    same &= got[2][:, None] == expected[2]
    same &= abs(got[1][:, None] - expected[1]) <= 1e-6
    return bool(same.any(0).all() and same.any(1).all())


@pytest.mark.parametrize('name', COMBOS)
def test_golden_nms(name):
    """Every set and combination; of tied ones either stored answer."""
    combo = dict(NMS['combos'][name.split('/')[1]])
    method = 'soft' if combo.pop('use_soft_nms') else 'hard'
    nms = MODELS.build(
        dict(type='SoftNMS', method=method, **NMS['common'], **combo))
    given = f"{name.split('/')[0]}/in"
    got = nms(*tensors(CASES, given))
    stored = [triple(CASES, name)]
    if f'raw_sort/{name}/scores' in CASES:
        stored.append(triple(CASES, f'raw_sort/{name}'))
    assert any(
        agree(got, expected, CASES[f'{given}/segments'])
        for expected in stored)


@pytest.mark.parametrize('length', LENGTHS)
def test_golden_decode(length):
    """Candidates from the stored outputs of the heads, in exact order."""
    test = TINY['configs']['base']['test_cfg']
    found = []
    for i in range(len(BASE[f'eval{length}/candidates/num_per_level'])):
        logits, offsets, mask, points = (
            torch.from_numpy(BASE[f'eval{length}/{part}/L{i}'])
            for part in ('cls_logits', 'offsets', 'mask', 'points'))
        level = decode([logits], [offsets], [mask.reshape(1, -1)], [points],
                       test['pre_nms_thresh'], test['pre_nms_topk'],
                       test['duration_thresh'])
        found.append([part[level[1] >= 0] for part in level])
    expected = triple(BASE, f'eval{length}/candidates')
    assert [len(part[1]) for part in found
            ] == BASE[f'eval{length}/candidates/num_per_level'].tolist()
    segments, scores, labels = (
        torch.cat(part).numpy() for part in zip(*found))
    assert np.array_equal(labels, expected[2])
    np.testing.assert_allclose(scores, expected[1], rtol=0, atol=1e-6)
    np.testing.assert_allclose(segments, expected[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize('name', RESULTS)
def test_golden_result(name):
    """Final seconds from the stored candidates, for every test_cfg."""
    video, _, tag = name.split('/')
    test = {
        **TINY['configs']['base']['test_cfg'],
        **TINY['result_configs'][tag]
    }
    segments, scores, labels = MODELS.build(
        nms_config(test))(*tensors(BASE, f'{video}/candidates'))
    segments = to_seconds(segments, FeatureGrid(**GRID),
                          float(BASE[f'eval/duration_len{video[4:]}']))
    expected = triple(BASE, name)
    assert np.array_equal(labels.numpy(), expected[2])
    assert np.array_equal(scores.numpy(), expected[1])
    np.testing.assert_allclose(
        segments.numpy(), expected[0], rtol=1e-6, atol=1e-6)


@pytest.mark.skipif('fusion/in/score' not in FUSION[0], reason='no extras.npz')
def test_golden_fusion(tmp_path):
    """Every video, up to the order: there it is class after class."""
    arrays, settings = FUSION
    path = tmp_path / 'scores.json'
    path.write_text(json.dumps(settings['fusion/external_scores']))
    fuse = MODELS.build(
        dict(
            type='ScoreFusion',
            score_file=str(path),
            topk=settings['fusion/topk'],
            num_pred=settings['fusion/num_pred']))

    def rows(side, video):
        here = arrays[f'fusion/{side}/video-id'] == video
        start, end, score, label = (
            torch.from_numpy(arrays[f'fusion/{side}/{name}'][here])
            for name in ('t-start', 't-end', 'score', 'label'))
        return torch.stack((start, end), 1), score, label

    for video in np.unique(arrays['fusion/in/video-id']):
        got = fuse(*rows('in', video), str(video))
        segments, scores, labels = rows('out', video)
        order = scores.argsort(descending=True, stable=True)
        assert agree(
            got, [part[order].numpy() for part in (segments, scores, labels)])
