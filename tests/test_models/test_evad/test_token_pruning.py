"""Selecting and restoring tokens."""
import pytest
import torch

import mmevad  # noqa: F401
from mmevad.models.evad.token_counts import keep_counts, num_kept, prune_counts
from mmevad.models.evad.token_pruning import (drop_padding, drop_tokens,
                                              order_tokens, restore_tokens)


@pytest.mark.parametrize('rate,total,protected,kept', [
    (0.7, 1568, 196, 902),
    (0.7, 1098, 196, 573),
    (0.7, 769, 196, 343),
    (0.6, 4608, 576, 2189),
    (1.0, 100, 25, 75),
    (0.999, 100, 25, 75),
])
def test_kept_tokens(rate, total, protected, kept):
    assert num_kept(rate, total, protected) == kept


def test_published_token_counts():
    assert keep_counts([0.7] * 3, [1568, 4608], [196, 576]) == [343, 1006]


def test_rate_that_cuts_into_the_keyframe():
    message = (r'rho=0\.2 leaves 20 of N=100 tokens, which cuts into the '
               r'N1=25 keyframe')
    with pytest.raises(ValueError, match=message):
        num_kept(0.2, 100, 25)


def test_restoring_is_the_inverse_of_dropping():
    torch.manual_seed(0)
    tokens = torch.randn(2, 12, 3)
    ids = torch.arange(12).expand(2, -1)
    x, kept, valid = drop_tokens(tokens, ids, None, torch.rand(2, 12), [4, 4],
                                 3)
    assert valid is None and kept.shape == (2, 7)
    full = restore_tokens(x, kept, 12)
    present = torch.zeros(2, 12, dtype=torch.bool).scatter(1, kept, True)
    assert torch.equal(full[present], tokens[present])
    assert full[~present].abs().sum() == 0 and present.sum() == 14
    fill = torch.randn(1, 1, 3)
    assert torch.equal(
        restore_tokens(x, kept, 12, fill)[~present], fill[0].expand(10, -1))


def test_token_order():
    """'importance' pairs tokens with each other's places, as released."""
    tokens = torch.arange(5.).view(1, 5, 1)
    ids = torch.tensor([[2, 3, 9, 4, 7]])
    own, places = order_tokens(tokens, ids, 2, 'position')
    assert places.tolist() == [[2, 3, 4, 7, 9]]
    assert own.flatten().tolist() == [0, 1, 3, 4, 2]
    other, places = order_tokens(tokens, ids, 2, 'importance')
    assert places.tolist() == [[2, 3, 4, 7, 9]]
    assert other.flatten().tolist() == [0, 1, 2, 3, 4]


def test_clips_that_keep_different_numbers():
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    importance = torch.tensor([[0., 0, 5, 6, 7, 8], [0., 0, 1, 2, 3, 4]])
    ids = torch.arange(6).expand(2, -1)
    _, kept, valid = drop_tokens(
        torch.zeros(2, 6, 1), ids, valid, importance, [3, 1], 2)
    assert kept.tolist()[0] == [0, 1, 5, 4, 3] and valid[0].all()
    assert kept.tolist()[1][:3] == [0, 1, 3]
    assert valid.tolist()[1] == [True, True, True, False, False]


def test_counts_of_a_batch():
    """Block after block as at once; rho = 1 drops nothing."""
    counts, protected, kept = [1568, 800], [196, 100], []
    for _ in range(3):
        keep, counts = prune_counts([0.7], counts, protected)
        kept.append(keep)
    assert kept == [[902, 460], [573, 292], [343, 175]]
    assert counts == [539, 275]
    assert prune_counts([0.7] * 3, [1568, 800],
                        protected) == (kept[-1], counts)
    assert prune_counts([1.], counts, protected) == (None, counts)
    assert prune_counts([0.2], [100], [0]) == ([20], [20])
    with pytest.raises(ValueError, match='cuts into the N1=25 keyframe'):
        prune_counts([0.2], [100], [25])


def test_padding_is_dropped_in_order():
    valid = torch.tensor([[True] * 6, [True, True, False] * 2])
    ids = torch.arange(6).expand(2, -1)
    x, kept, valid = drop_padding(
        ids[..., None].float(), ids, valid, [3, 1], num_protected=3)
    assert kept.tolist()[0] == list(range(6))
    assert kept.tolist()[1][:4] == [0, 1, 2, 3]
    assert valid.tolist() == [[True] * 6,
                              [True, True, False, True, False, False]]
    assert x[..., 0].tolist() == kept.tolist()
