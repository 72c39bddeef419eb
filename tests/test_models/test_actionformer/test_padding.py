"""How videos are padded and batched does not change their results."""
import pytest
import torch

from mmevad.models.actionformer.padding import (enough_padding, group_videos,
                                                released_length)
from .small import MAX_LEN, STRIDES, build, features, sample

# options of neck and head
CASES = dict(
    local=({}, {}),
    one_global=(dict(window_size=[5, 5, 5, -1]), {}),
    all_global=(dict(window_size=-1), {}),
    relative=(dict(use_rel_pe=True), {}),
    absolute=(dict(use_abs_pe=True), {}),
    fpn=(dict(neck_type='fpn'), {}),
    conv=(dict(backbone_type='conv'), {}),
    wide_head=({}, dict(kernel_size=7)),
    wide_neck=(dict(kernel_size=5), {}))
# around the ends of levels, of max_seq_len and of the released chunks
LENGTHS = (1, 7, 41, 56, 57, 63, 64, 65, 95, 96, 97, 150)


@torch.no_grad()
def outputs(model, feats, length, stretch=None):
    """Valid logits and distances of one video."""
    levels, masks = model.extract_feat([feats], length, stretch)
    logits, distances = model.head(levels, masks)
    valid = torch.cat([m[0, 0] for m in masks])
    return torch.cat((torch.cat(logits, 1), torch.cat(distances, 1)),
                     -1)[0, valid]


@pytest.mark.parametrize('case', CASES)
def test_padding_is_as_good_as_the_released(case):
    model = build(*CASES[case])
    divisor = model.neck.length_divisor
    spared = 0
    for length in LENGTHS:
        feats, = features(length)
        released = released_length(length, MAX_LEN, divisor)
        (members, ours), = group_videos([length],
                                        MAX_LEN,
                                        divisor,
                                        STRIDES[-1],
                                        reach=model.reach)
        assert members == [0] and length <= ours <= released
        spared += released - ours
        expected = outputs(model, feats, released, released)
        got = outputs(model, feats, ours, released)
        assert len(got) == sum(-(-length // s) for s in STRIDES)
        assert torch.allclose(got, expected, atol=1e-5), length
    assert spared > 0


def test_padding_matters_without_strict_mask():
    """Why there must be a padded frame where the released model has one."""
    model = build()
    feats, = features(56)
    difference = outputs(model, feats, 56) - outputs(model, feats, 64)
    assert difference.abs().max() > 1e-2


@pytest.mark.parametrize('case', CASES)
def test_padding_never_matters_with_strict_mask(case):
    model = build(*(dict(part, strict_mask=True) for part in CASES[case]))
    for length in (41, 56, 64):
        feats, = features(length)
        expected = outputs(model, feats, length, 96)
        for padded in (-(-length // 8) * 8, 64, 96):
            got = outputs(model, feats, padded, 96)
            assert torch.allclose(got, expected, atol=1e-5), (length, padded)


@pytest.mark.parametrize('strict_mask', [False, True])
@pytest.mark.parametrize('case', CASES)
def test_batch_scores_like_single_videos(case, strict_mask):
    model = build(*(dict(part, strict_mask=strict_mask)
                    for part in CASES[case]))
    together = model(
        features(*LENGTHS), [sample() for _ in LENGTHS], mode='predict')
    assert any(len(result.pred_instances) for result in together)
    for feats, result in zip(features(*LENGTHS), together):
        alone, = model([feats], [sample()], mode='predict')
        got, expected = result.pred_instances, alone.pred_instances
        assert len(got) == len(expected)
        assert torch.allclose(got.scores, expected.scores, atol=1e-5)
        assert torch.allclose(got.segments, expected.segments, atol=1e-3)
        assert torch.equal(got.labels, expected.labels)


def test_groups():
    """Of four videos, two fill their last chunk at some level."""
    groups = group_videos([41, 64, 50, 155], 64, 32, 8)
    assert groups == [([0, 2], enough_padding(50, 8)), ([1], 64), ([3], 160)]
    # with an absolute position, only those whose position is stretched alike
    groups = group_videos([41, 70, 90, 50], 64, 32, 8, same_position=True)
    assert [members for members, _ in groups] == [[0, 3], [1], [2]]
    groups = group_videos([41, 64, 50, 155], 64, 32, 8, strict_mask=True)
    assert groups == [([0, 1, 2, 3], 160)]


@pytest.mark.parametrize('case', CASES)
def test_training_pads_no_further_than_needed(case):
    """The loss is that of a batch padded to max_seq_len."""
    model = build(*CASES[case]).train()
    inputs = features(20, 33)
    samples = [
        sample('a', [[2., 9.]], [1]),
        sample('b', [[3., 8.], [4., 30.]], [0, 2])
    ]
    enough = model._training_length(inputs)
    assert enough == 40 + 8 * model.reach
    losses = []
    for length in (enough, MAX_LEN):
        model._training_length = lambda *_, length=length: length
        model.head.loss_normalizer.fill_(10)
        loss, _ = model.parse_losses(model(inputs, samples, mode='loss'))
        grads = torch.autograd.grad(loss, list(model.parameters()))
        losses.append((loss, *grads))
    for got, expected in zip(*losses):
        assert torch.allclose(got, expected, atol=1e-5)


def test_training_gives_as_many_points_as_the_released():
    model = build().train()
    logits, distances, masks = model(features(20, 33))
    assert [x.size(1) for x in logits] == [MAX_LEN // s for s in STRIDES]
    assert [x.size(2) for x in masks] == [MAX_LEN // s for s in STRIDES]
