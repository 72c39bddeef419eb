# Copyright (c) mmevad authors. All rights reserved.
"""ActionFormer: no, one or very many segments; videos of any length."""
import pytest
import torch

from tests.test_models.test_actionformer.small import (CLASSES, MAX_LEN,
                                                       RANGES, STRIDES, build,
                                                       features, sample)

LENGTHS = (1, 7, 40, 63, 64)


def segments_of(count, seed=0, length=60.):
    """Random segments from 0.01 to 40 features, and their classes."""
    rng = torch.Generator().manual_seed(seed)
    start = torch.rand(count, generator=rng) * length
    size = .01 * 4000**torch.rand(count, generator=rng)
    return (torch.stack((start, start + size), 1).tolist(),
            torch.randint(CLASSES, (count, ), generator=rng).tolist())


def videos(counts):
    return [
        sample(f'v{i}', *segments_of(count, seed=i))
        for i, count in enumerate(counts)
    ]


def brute_force(segments, labels):
    """Classes and distances of each point, by the rules of the paper."""
    points = [(i * stride, stride, *span)
              for stride, span in zip(STRIDES, RANGES)
              for i in range(MAX_LEN // stride)]
    rows = []
    for time, stride, low, high in points:
        found = []
        for (start, end), label in zip(segments, labels):
            centre = (start + end) / 2
            if (max(start, centre - 1.5 * stride) < time < min(
                    end, centre + 1.5 * stride)
                    and low <= max(time - start, end - time) <= high):
                found.append((end - start, label, start, end))
        if not found:
            rows.append((set(), None))
            continue
        least, _, start, end = min(found)
        # as good as equally short: all of their classes
        classes = {x[1] for x in found if x[0] <= least + 1e-3}
        rows.append((classes, [(time - start) / stride,
                               (end - time) / stride]))
    return rows


@pytest.mark.parametrize('counts', [(0, ), (1, ), (500, ), (0, 0), (0, 500),
                                    (1, 0, 500)])
def test_any_number_of_segments(counts):
    """Losses and gradients are finite; without segments only one is 0."""
    model = build().train()
    losses = model(features(*[64] * len(counts)), videos(counts), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert losses['loss_cls'] > 0 and total.isfinite()
    assert (losses['loss_reg'] == 0) == (sum(counts) == 0)
    for name, param in model.named_parameters():
        assert param.grad is not None and param.grad.isfinite().all(), name


@pytest.mark.parametrize('count', [0, 1, 500])
def test_every_point_gets_its_segment(count):
    model = build()
    segments, labels = segments_of(count)
    logits = [torch.empty(1, MAX_LEN // s, CLASSES) for s in STRIDES]
    classes, distances = model.head.targets(
        model.head.points(logits), [sample('v', segments, labels)])
    expected = brute_force(segments, labels)
    assert len(expected) == classes.size(1) == 120
    assert any(found for found, _ in expected) == (count > 0)
    for row, distance, (found, span) in zip(classes[0], distances[0],
                                            expected):
        assert set(row.nonzero().flatten().tolist()) == found
        if found:
            assert distance.tolist() == pytest.approx(span, abs=1e-4)


def test_losses_and_gradients_of_a_batch_are_the_sums_of_its_videos():
    """Training mode; the moving average that divides them stands still."""
    model = build(head=dict(loss_norm_momentum=1.)).train()
    samples, feats = videos((2, 0, 500, 1, 9)), features(*LENGTHS)
    params = list(model.parameters())

    def run(inputs, data_samples):
        losses = model(inputs, data_samples, mode='loss')
        total, _ = model.parse_losses(losses)
        return losses, torch.autograd.grad(total, params)

    losses, grads = run(feats, samples)
    single = [run([x], [y]) for x, y in zip(feats, samples)]
    for name, value in losses.items():
        expected = sum(x[name] for x, _ in single)
        torch.testing.assert_close(value, expected, atol=1e-4, rtol=1e-5)
    for got, *alone in zip(grads, *(x for _, x in single)):
        torch.testing.assert_close(got, sum(alone), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize('strict_mask', [False, True])
def test_videos_in_a_batch_are_localized_as_alone(strict_mask):
    model = build(dict(strict_mask=strict_mask), dict(strict_mask=strict_mask))
    feats = features(*LENGTHS, 65, 300)
    together = model(feats, [sample() for _ in feats], mode='predict')
    assert sum(len(result.pred_instances) > 0 for result in together) > 3
    for inputs, result in zip(feats, together):
        alone, = model([inputs], [sample()], mode='predict')
        got, expected = result.pred_instances, alone.pred_instances
        assert len(got) == len(expected)
        torch.testing.assert_close(
            got.scores, expected.scores, atol=1e-4, rtol=0)
        torch.testing.assert_close(
            got.segments, expected.segments, atol=1e-3, rtol=0)
        assert torch.equal(got.labels, expected.labels)
