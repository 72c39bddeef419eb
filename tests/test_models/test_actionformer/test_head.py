import math

import pytest
import torch
from mmengine.registry import DefaultScope
from torch.nn.functional import binary_cross_entropy_with_logits

import mmevad  # noqa: F401  isort: skip
from mmaction.registry import MODELS

from mmevad.models.actionformer.losses import (DIoULoss, diou_loss,
                                               smooth_labels)
from mmevad.models.actionformer.points import PointGenerator, assign_targets
from .small import CLASSES, head_config, sample


def levels_of(head, length=16, channels=16, seed=0):
    rng = torch.Generator().manual_seed(seed)
    lengths = [-(-length // s) for s in head.point_generator.strides]
    return [torch.randn(2, channels, n, generator=rng)
            for n in lengths], [torch.ones(2, 1, n) > 0 for n in lengths]


def test_points():
    first, second = PointGenerator((1, 4), ((0, 4), (4, float('inf'))))((3, 2),
                                                                        'cpu')
    assert first.tolist() == [[0, 0, 4, 1], [1, 0, 4, 1], [2, 0, 4, 1]]
    assert second.tolist() == [[0, 4, math.inf, 4], [4, 4, math.inf, 4]]


def assigned(segments, labels, **kwargs):
    points = torch.cat(
        PointGenerator((1, 2), ((0, 4), (4, 9)))((12, 6), 'cpu'))
    classes, distances = assign_targets(points,
                                        torch.tensor(segments).view(-1, 2),
                                        torch.tensor(labels, dtype=torch.long),
                                        CLASSES, **kwargs)
    found = classes.any(1)
    return {
        (int(p[0]), int(p[3])): (c.nonzero().flatten().tolist(), d.tolist())
        for p, c, d in zip(points[found], classes[found], distances[found])
    }


def test_targets_around_the_center():
    """1.5 strides around 4; the second level's range starts at 4."""
    found = assigned([[1., 7.]], [2])
    assert found == {
        (3, 1): ([2], [2., 4.]),
        (4, 1): ([2], [3., 3.]),
        (5, 1): ([2], [4., 2.]),
        (2, 2): ([2], [0.5, 2.5]),
        (6, 2): ([2], [2.5, 0.5])
    }


def test_targets_inside_the_whole_segment():
    found = assigned([[1., 7.]], [2], center_sample='none')
    assert set(found) == {(3, 1), (4, 1), (5, 1), (2, 2), (6, 2)}
    found = assigned([[0.5, 5.5]], [2], center_sample='none')
    # 1 and 5 are 4.5 from the farther end, the range of stride 2
    assert set(found) == {(2, 1), (3, 1), (4, 1)}


def test_the_shortest_segment_wins():
    found = assigned([[1., 7.], [3.5, 4.5]], [2, 0])
    assert found[4, 1] == ([0], [0.5, 0.5])
    assert found[3, 1][0] == [2]
    # as good as equally short: both classes, the shorter one's distances
    found = assigned([[1., 7.], [1., 6.9995], [1., 7.]], [2, 0, 2])
    assert found[4, 1][0] == [0, 2]
    assert found[4, 1][1] == pytest.approx([3., 2.9995])


def test_no_segments():
    assert assigned([], []) == {}


def test_targets_do_not_lose_precision():
    """Autocast would make the classes bfloat16, and smoothed ones wrong."""
    points = torch.cat(
        PointGenerator((1, 2), ((0, 4), (4, 9)))((12, 6), 'cpu'))
    args = (points, torch.tensor([[1., 7.],
                                  [2., 9.]]), torch.tensor([2, 0]), CLASSES)
    with torch.autocast('cpu', torch.bfloat16):
        half = assign_targets(*args)
    for got, expected in zip(half, assign_targets(*args)):
        assert got.dtype == torch.float32 and torch.equal(got, expected)


def test_diou_loss():
    """[2, 4] and [2, 6], seen from 3: IoU 1/2, centres 1 apart, hull 4."""
    pred = torch.tensor([[1., 1.], [0., 0.], [2., 3.]], requires_grad=True)
    target = torch.tensor([[1., 3.], [1., 1.], [2., 3.]])
    loss = diou_loss(pred, target)
    assert loss.tolist() == pytest.approx([0.5 + 1 / 16, 1., 0.])
    loss.sum().backward()
    assert pred.grad.isfinite().all()
    nothing = torch.zeros(1, 2)
    assert diou_loss(nothing, nothing).isfinite().all()


def test_label_smoothing():
    target = torch.tensor([[0., 1., 0.]])
    assert smooth_labels(
        target, 0.1).tolist() == [pytest.approx([0.025, 0.925, 0.025])]


def test_focal_loss():
    """mmdet's with several classes per point and soft targets."""
    head = MODELS.build(head_config())
    torch.manual_seed(0)
    logits, target = torch.randn(50, 4), torch.rand(50, 4)
    prob = logits.sigmoid()
    hit = prob * target + (1 - prob) * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    expected = alpha * (1 - hit)**2 * binary_cross_entropy_with_logits(
        logits, target, reduction='none')
    assert torch.allclose(head.loss_cls(logits, target), expected.sum())


def test_registered_beside_mmdet():
    """mmdet keeps its DIoULoss, also where mmaction is the default."""
    from mmevad.models.evad.actor_head import build_mmdet
    with DefaultScope.overwrite_default_scope('mmaction'):
        assert isinstance(MODELS.build(dict(type='DIoULoss')), DIoULoss)
        for mmdet_loss in (MODELS.build(dict(type='mmdet.DIoULoss')),
                           build_mmdet(dict(type='DIoULoss'))):
            assert type(mmdet_loss).__module__.startswith('mmdet.')


def test_initial_probabilities():
    head = MODELS.build(head_config(prior_prob=0.01, empty_classes=[1]))
    prob = head.cls_tower.out.bias.sigmoid()
    assert prob.tolist() == pytest.approx([0.01, 1e-6, 0.01], rel=1e-3)


def test_distances_start_unbiased():
    head = MODELS.build(head_config(with_ln=False))
    assert head.reg_tower.out.bias.count_nonzero() == 0
    assert head.reg_tower.convs[0].bias.count_nonzero() == 0


def test_without_layer_norm():
    head = MODELS.build(head_config(with_ln=False))
    names = {n for n, _ in head.named_parameters()}
    assert 'cls_tower.convs.0.bias' in names
    assert not any('norms' in n for n in names)
    logits, distances = head(*levels_of(head))
    assert logits[0].shape == (2, 16, CLASSES)
    assert all((d >= 0).all() for d in distances)


def test_levels_do_not_mix():
    """Each level is as if it were alone."""
    head = MODELS.build(head_config()).eval()
    levels, masks = levels_of(head)
    logits, _ = head(levels, masks)
    other = [
        x if i == 2 else torch.randn_like(x) for i, x in enumerate(levels)
    ]
    assert torch.allclose(head(other, masks)[0][2], logits[2], atol=1e-6)


def test_normalizer_is_saved_and_follows_all_ranks(monkeypatch):
    head = MODELS.build(head_config(init_loss_norm=50)).train()
    samples = [sample('a', [[2., 9.]], [1])] * 2
    head.loss(*levels_of(head), samples)
    moved = head.loss_normalizer.item()
    assert 0 < moved < 50
    other = MODELS.build(head_config())
    other.load_state_dict(head.state_dict())
    assert other.loss_normalizer.item() == moved

    import mmevad.models.actionformer.head as module
    monkeypatch.setattr(module, 'all_reduce', lambda x: x.fill_(30))
    head.loss(*levels_of(head), samples)
    assert head.loss_normalizer.item() == pytest.approx(0.9 * moved + 3)
    head.eval().loss(*levels_of(head), samples)
    assert head.loss_normalizer.item() == pytest.approx(0.9 * moved + 3)


def test_balanced_losses_are_equal():
    head = MODELS.build(head_config(loss_weight=-1)).train()
    losses = head.loss(*levels_of(head), [sample('a', [[2., 9.]], [1])] * 2)
    assert losses['loss_reg'].item() == pytest.approx(
        losses['loss_cls'].item())
    assert losses['loss_reg'].requires_grad


@pytest.mark.parametrize('kwargs,message', [
    (dict(center_sample='all'), "center_sample='all' is none of"),
    (dict(empty_classes=[3]), 'from 0 to num_classes - 1 = 2'),
    (dict(test_cfg=dict(topk=3)), "test_cfg has no option 'topk'"),
    (dict(ranges=((0, 4), )), '4 strides but 1 regress_ranges'),
])
def test_impossible_heads_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(head_config(**kwargs))


def test_wrong_inputs_are_refused():
    head = MODELS.build(head_config())
    levels, masks = levels_of(head)
    with pytest.raises(ValueError, match=r"{'a': \[3\]} .* num_classes=3"):
        head.loss(levels, masks, [sample('a', [[2., 9.]], [3])] * 2)
    with pytest.raises(ValueError, match='3 levels but .* 4 strides'):
        head.points([x.transpose(1, 2) for x in levels[:3]])
