# Copyright (c) mmevad authors. All rights reserved.
import pytest
import torch

from mmevad.apis.feature_pooling import (MAP_POOLS, TOKEN_POOLS, parse_pools,
                                         pool_map, pool_outputs, pool_tokens)
from mmevad.models.evad.structures import VideoTokens


def test_maps_and_tokens_are_pooled_over_all_places():
    torch.manual_seed(0)
    maps = torch.randn(2, 3, 4, 5, 6)
    mean, top = maps.mean((2, 3, 4)), maps.amax((2, 3, 4))
    assert torch.allclose(pool_map(maps, ['mean']), mean, atol=1e-6)
    both = pool_map(maps, ['max', 'mean'])
    assert torch.allclose(both, torch.cat((top, mean), 1), atol=1e-6)
    tokens = maps.flatten(2).mT
    assert torch.equal(pool_map(tokens, ['max']), top)
    assert torch.equal(pool_map(mean, ['max', 'mean']), mean)


def test_outputs_of_several_paths_are_joined():
    slow, fast = torch.randn(2, 6, 1, 2, 2), torch.randn(2, 3, 4, 2, 2)
    joined = pool_outputs((slow, [fast, None]), ['mean'])
    expected = torch.cat((slow.mean((2, 3, 4)), fast.mean((2, 3, 4))), 1)
    assert torch.allclose(joined, expected, atol=1e-6)
    with pytest.raises(ValueError, match='list holds no features'):
        pool_outputs([], ['mean'])


def _tokens(valid=None):
    tokens = torch.arange(12.).view(1, 6, 2)
    ids = torch.tensor([[2, 3, 0, 1, 4, 5]])
    return VideoTokens(tokens, ids, 2, (3, 1, 2), (), valid)


@pytest.mark.parametrize('name, expected', [('mean', [5, 6]),
                                            ('max', [10, 11]),
                                            ('keyframe_mean', [1, 2]),
                                            ('keyframe_max', [2, 3])])
def test_tokens_of_the_keyframe_or_all(name, expected):
    assert pool_tokens(_tokens(), [name]).tolist() == [expected]


@pytest.mark.parametrize('name, expected', [('mean', [10 / 3, 13 / 3]),
                                            ('max', [6, 7]),
                                            ('keyframe_mean', [0, 1]),
                                            ('keyframe_max', [0, 1])])
def test_padding_does_not_count(name, expected):
    """Neither in the keyframe nor elsewhere."""
    valid = torch.tensor([[True, False, True, True, False, False]])
    found = pool_tokens(_tokens(valid), [name])
    assert torch.allclose(found, torch.tensor([expected]).float())


def test_unknown_poolings_are_named():
    assert parse_pools('mean+max', MAP_POOLS) == ['mean', 'max']
    with pytest.raises(ValueError, match="'keyframe_max' is none of"):
        parse_pools('keyframe_max', MAP_POOLS)
    with pytest.raises(ValueError, match="'median' is none of"):
        parse_pools('mean+median', TOKEN_POOLS)
