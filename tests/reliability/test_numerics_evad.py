# Copyright (c) mmevad authors. All rights reserved.
"""EVAD: no, one or very many persons; clips of any size in one batch."""
import copy

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from mmevad.models.evad.boxes import whwh_of
from tests.test_models.test_evad.small import build_detector, raw_batch, run

QUERIES = 6
SIZES = ((64, 96), (45, 130), (96, 33), (50, 50))


def part(data, i):
    return copy.deepcopy(
        dict(
            inputs=[data['inputs'][i]],
            data_samples=[data['data_samples'][i]]))


def build(**backbone):
    return build_detector(backbone=dict(mask_padding=True, **backbone))


def giou(a, b):
    """(n, 4) and (M, 4) xyxy -> (n, M)."""

    def area(box):
        return (box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1)

    a = a[:, None]
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    inter = area(torch.cat((high[..., :2], low[..., 2:]), -1))
    hull = area(torch.cat((low[..., :2], high[..., 2:]), -1))
    union = area(a) + area(b) - inter
    return inter / union - (hull - union) / hull


@pytest.mark.parametrize('num_gts', [(0, ), (1, ), (500, ), (0, 0), (0, 500),
                                     (1, 0, 500), (500, 500)])
def test_any_number_of_persons(num_gts):
    """Losses and gradients are finite; without persons, only one is not 0."""
    model = build_detector().train()
    data = raw_batch(sizes=((64, 96), ) * len(num_gts), num_gts=num_gts)
    losses = run(model, data, 'loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(value.isfinite() for value in losses.values())
    for name, param in model.named_parameters():
        assert param.grad is not None and param.grad.isfinite().all(), name
    nobody = sum(num_gts) == 0
    for name, value in losses.items():
        assert (value == 0) == (nobody and 'cls' not in name), name


@pytest.mark.parametrize('num_gts', [(0, 1, 500), (500, 6, 7), (1, 5, 0)])
def test_matching_costs_least(num_gts):
    """As many pairs as possible, of least cost by the paper's formula."""
    model = build_detector().train()
    data = model.data_preprocessor(raw_batch(SIZES[:3], num_gts))
    samples = data['data_samples']
    gts = [sample.gt_instances.bboxes for sample in samples]
    whwh = whwh_of([sample.img_shape for sample in samples])
    with torch.no_grad():
        stages, _ = model._forward(data['inputs'],
                                   [s.img_shape for s in samples], whwh)
    first = [sum(num_gts[:i]) for i in range(3)]
    for actors, found in zip(stages, model.actor_head.match(stages, gts,
                                                            whwh)):
        for i, boxes in enumerate(gts):
            own = found.clips == i
            queries, chosen = found.queries[own], found.gts[own] - first[i]
            assert len(queries) == min(QUERIES, len(boxes))
            assert len(set(queries.tolist())) == len(queries)
            assert len(set(chosen.tolist())) == len(queries)
            cost = -2 * actors.logits[i].softmax(-1)[:, :1].repeat(
                1, len(boxes))
            cost += 5 * torch.cdist(actors.boxes[i] / whwh[i], boxes / whwh[i],
                                    1)
            cost -= 2 * giou(actors.boxes[i], boxes)
            least = cost[linear_sum_assignment(cost)].sum()
            got = cost[queries, chosen].sum()
            assert got.item() == pytest.approx(least.item(), abs=1e-4)


@pytest.mark.parametrize('keep_rate', [1., .7])
def test_clips_in_a_batch_are_found_as_alone(keep_rate):
    """Images of four sizes, float32: boxes, persons, actions to 1e-4."""
    model = build(keep_rate=keep_rate)
    data = raw_batch(SIZES, (1, ) * 4)
    with torch.no_grad():
        together = run(model, copy.deepcopy(data), 'predict')
        for i, sample in enumerate(together):
            alone, = run(model, part(data, i), 'predict')
            assert sample.img_shape == alone.img_shape == SIZES[i]
            for key in ('bboxes', 'scores', 'person_scores'):
                got, expected = (
                    x.pred_instances[key] for x in (sample, alone))
                torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


def test_losses_and_gradients_of_a_batch_are_those_of_its_clips():
    """Each term is the mean over what it is counted by."""
    model, num_gts = build(keep_rate=.7).train(), (2, 9, 0, 1)
    data = raw_batch(SIZES, num_gts)
    matched = [min(QUERIES, n) for n in num_gts]
    counts = dict(
        loss_cls=[n + .1 * (QUERIES - n) for n in matched],
        loss_bbox=num_gts,
        loss_iou=num_gts,
        loss_action=matched)
    losses = run(model, copy.deepcopy(data), 'loss')
    weighted = 0.
    for i in range(4):
        for name, value in run(model, part(data, i), 'loss').items():
            count = counts[name.split('.')[1]]
            losses[name] = losses[name] - value * count[i] / sum(count)
            weighted = weighted + value * count[i] / sum(count)
    for name, difference in losses.items():
        assert difference.abs() < 1e-4, name
    params = list(model.parameters())
    batch, _ = model.parse_losses(run(model, copy.deepcopy(data), 'loss'))
    for got, expected in zip(
            torch.autograd.grad(batch, params),
            torch.autograd.grad(weighted, params)):
        torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_a_batch_without_clips_is_refused(mode):
    with pytest.raises(ValueError, match='a batch needs at least one clip'):
        run(build_detector(), dict(inputs=[], data_samples=[]), mode)
