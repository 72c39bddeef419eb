"""Classes of the video for class-agnostic proposals."""
import json
import math
import pickle

import numpy as np
import pytest
import torch

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.utils.errors import DataError

SCORES = dict(a=[.1, .4, .3], b=[.2, .2, .6])
PROPOSALS = (torch.tensor([[0., 1.], [2., 5.], [3., 4.]]),
             torch.tensor([.5, .9, .1]), torch.zeros(3, dtype=torch.long))


def fusion(path, **kwargs):
    return MODELS.build(
        dict(type='ScoreFusion', score_file=str(path), **kwargs))


def write(folder, content, name='scores.json'):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def test_by_hand(tmp_path):
    fuse = fusion(write(tmp_path, SCORES), topk=2, num_pred=2)
    segments, scores, labels = fuse(*PROPOSALS, video_name='a')
    assert scores.tolist() == pytest.approx(
        [math.sqrt(x) for x in (.36, .27, .2, .15)])
    assert labels.tolist() == [1, 2, 1, 2]
    assert segments.tolist() == [[2, 5], [2, 5], [0, 1], [0, 1]]
    assert labels.dtype == torch.int64 and scores.dtype == torch.float32


def test_kinds_of_files(tmp_path):
    np.savez(tmp_path / 'scores.npz', **SCORES)
    arrays = {name: np.array(row) for name, row in SCORES.items()}
    (tmp_path / 'scores.pkl').write_bytes(pickle.dumps(arrays))
    paths = [
        write(tmp_path, SCORES),
        write(tmp_path, dict(results=SCORES), 'nested.json'),
        tmp_path / 'scores.npz', tmp_path / 'scores.pkl'
    ]
    results = [fusion(path)(*PROPOSALS, 'b') for path in paths]
    for result in results[1:]:
        for one, other in zip(result, results[0]):
            assert torch.equal(one, other)


def test_no_proposals(tmp_path):
    fuse = fusion(write(tmp_path, SCORES))
    segments, scores, labels = fuse(*(part[:0] for part in PROPOSALS), 'a')
    assert segments.shape == (0, 2) and scores.shape == labels.shape == (0, )


def test_one_missing_video_is_an_error(tmp_path):
    fuse = fusion(write(tmp_path, SCORES))
    with pytest.raises(DataError, match=r"scores.json.*'v_c'.*'a'"):
        fuse(*PROPOSALS, 'v_c')


def test_classes_are_not_overwritten(tmp_path):
    fuse = fusion(write(tmp_path, SCORES))
    with pytest.raises(ValueError, match='num_classes=1'):
        fuse(*PROPOSALS[:2], torch.tensor([0, 3, 0]), 'a')


@pytest.mark.parametrize('content,message', [
    ([1, 2], 'no class scores'),
    ({}, 'no class scores'),
    (dict(a=[.1, .2], b=[.1]), "'b' are not one number for each of 2"),
    (dict(a=.5), "'a' are not one number"),
    (dict(a=[.1, 'x']), "'a' are not one number"),
    (dict(a=[.1, -1.]), "'a' are negative"),
    (dict(a=[.1, float('nan')]), "'a' are negative, NaN"),
    (dict(a=[.3]), 'fewer than topk=2'),
])
def test_bad_content(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        fusion(write(tmp_path, content))(*PROPOSALS, 'a')


def test_bad_files(tmp_path):
    for name, content, message in (('broken.json', b'{', 'is no valid JSON'),
                                   ('broken.npz', b'PK', 'cannot be read'),
                                   ('a.csv', b'a', 'neither')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            fusion(tmp_path / name)(*PROPOSALS, 'a')
    with pytest.raises(DataError, match='does not exist'):
        fusion(tmp_path / 'none.json')(*PROPOSALS, 'a')
    with pytest.raises(ValueError, match='at least 1'):
        fusion('scores.json', topk=0)


def test_code_in_a_pickle_does_not_run(tmp_path):

    class Bomb:

        def __reduce__(self):
            return (open, (str(tmp_path / 'ran'), 'w'))

    path = tmp_path / 'scores.pkl'
    path.write_bytes(pickle.dumps(dict(a=Bomb())))
    with pytest.raises(DataError, match='refused'):
        fusion(path)(*PROPOSALS, 'a')
    assert not (tmp_path / 'ran').exists()
