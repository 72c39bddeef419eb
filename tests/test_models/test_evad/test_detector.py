"""EVAD as a whole: batches, padding, empty ground truth, precision."""
import copy

import pytest
import torch
from mmengine.structures import InstanceData

from mmevad.models.evad.boxes import whwh_of
from .small import (CLASSES, MODELS, build_detector, detector_config,
                    raw_batch, run)


def outputs(model, data):
    data = model.data_preprocessor(copy.deepcopy(data))
    dtype = next(model.parameters()).dtype
    with torch.no_grad():
        return model(data['inputs'].to(dtype), data['data_samples'])


def single(data, i):
    return dict(
        inputs=[data['inputs'][i]], data_samples=[data['data_samples'][i]])


@pytest.mark.parametrize('order', ['position', 'importance'])
@pytest.mark.parametrize('selector', ['gap', 'unified', 'cls'])
@pytest.mark.parametrize('fill', ['mask_token', 'zero'])
def test_masked_padding_makes_batched_equal_single(selector, fill, order):
    model = build_detector(
        backbone=dict(mask_padding=True, selector=selector, keep_rate=0.8),
        decoder=dict(fill=fill, token_order=order)).double()
    data = raw_batch(sizes=((64, 96), (45, 130), (96, 33)), num_gts=(1, 1, 1))
    batched = outputs(model, data)
    for i in range(3):
        for got, alone in zip(batched, outputs(model, single(data, i))):
            assert torch.allclose(got[i], alone[0], atol=1e-9)


@pytest.mark.parametrize('order', ['position', 'importance'])
def test_clips_too_small_to_lose_tokens_stay_in_order(order):
    """ceil(rho * N) is N for the two small ones alone."""
    model = build_detector(
        backbone=dict(mask_padding=True, keep_rate=[0.8, 0.93]),
        decoder=dict(token_order=order)).double()
    data = raw_batch(sizes=((93, 70), (25, 15), (30, 30)), num_gts=(1, 1, 1))
    batched = outputs(model, data)
    for i in range(3):
        for got, alone in zip(batched, outputs(model, single(data, i))):
            assert torch.allclose(got[i], alone[0], atol=1e-9)


def test_unmasked_padding_does_not():
    """The released behaviour: batch-mates matter."""
    model = build_detector()
    data = raw_batch(sizes=((64, 96), (50, 70)))
    batched = outputs(model, data)
    alone = outputs(model, single(data, 0))  # 64x96, not padded in the batch
    assert torch.allclose(batched[2][0], alone[2][0], atol=1e-4)
    data = raw_batch(sizes=((64, 96), (64, 130)))
    batched = outputs(model, data)
    alone = outputs(model, single(data, 0))
    assert (batched[2][0] - alone[2][0]).abs().max() > 1e-3


def test_masking_changes_nothing_without_padding():
    data = raw_batch(sizes=((64, 96), (64, 96)))
    plain, masked = (
        outputs(build_detector(backbone=dict(mask_padding=m)).double(), data)
        for m in (False, True))
    assert all(torch.allclose(a, b, atol=1e-9) for a, b in zip(plain, masked))


def test_padding_is_zero_for_the_model():
    model = build_detector()
    data = model.data_preprocessor(raw_batch())
    clips, samples = data['inputs'], data['data_samples']
    assert clips.shape == (2, 3, 8, 64, 96)
    assert [s.img_shape for s in samples] == [(64, 96), (50, 70)]
    assert clips[1, :, :, 50:].abs().sum() == 0
    assert clips[1, ..., 70:].abs().sum() == 0
    raw = raw_batch()['inputs'][1]
    expected = (raw.float() - 114.75) / 57.375
    assert torch.allclose(clips[1, :, :, :50, :70], expected)


def test_clips_of_different_length_do_not_batch():
    data = raw_batch()
    data['inputs'][1] = data['inputs'][1][:, :4]
    with pytest.raises(ValueError, match=r'clips of \[4, 8\] frames'):
        build_detector().data_preprocessor(data)


@pytest.mark.parametrize('num_gts', [(0, 0), (0, 2), (9, 0)])
def test_empty_and_crowded_ground_truth(num_gts):
    model = build_detector().train()
    losses = run(model, raw_batch(num_gts=num_gts), 'loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    empty = sum(num_gts) == 0
    for name, value in losses.items():
        assert value.requires_grad
        assert (value == 0) == (empty and 'cls' not in name), name
    assert all(p.grad is not None for p in model.parameters())


def test_all_background_classification_loss():
    """Without persons: 2 * mean of -log p(background)."""
    model = build_detector().train()
    data = raw_batch(num_gts=(0, 0))
    logits = run(model, copy.deepcopy(data), 'tensor')[0]
    loss = run(model, data, 'loss')['stage1.loss_cls']
    expected = -2 * logits.log_softmax(-1)[..., 1].mean()
    assert torch.allclose(loss, expected, rtol=1e-5)


def test_background_column_of_labels_is_left_out():
    model = build_detector().train()
    data = raw_batch()
    with_column = run(model, copy.deepcopy(data), 'loss')
    for sample in data['data_samples']:
        sample.gt_instances.labels = sample.gt_instances.labels[:, 1:]
    without = run(model, copy.deepcopy(data), 'loss')
    assert all(torch.equal(with_column[k], without[k]) for k in without)
    for sample in data['data_samples']:
        sample.gt_instances.labels = sample.gt_instances.labels[:, 2:]
    with pytest.raises(ValueError, match=r'not multi-hot over 5 actions'):
        run(model, data, 'loss')


def test_average_losses():
    data = raw_batch()
    totals = []
    for average in (False, True):
        model = build_detector(average_losses=average)
        losses = run(model, copy.deepcopy(data), 'loss')
        total, log_vars = model.parse_losses(losses)
        assert torch.equal(log_vars['loss'], total)
        assert len(losses) == 2 * 3 + 2
        totals.append(total)
    assert torch.allclose(totals[0] / 8, totals[1])


def test_predictions():
    model = build_detector()
    data = raw_batch()
    logits, boxes, actions = outputs(model, data)
    persons = logits.softmax(-1)[..., 0]
    ranked = persons[0].sort().values
    model.person_score_thr = float(ranked[2:4].mean())
    samples = run(model, data, 'predict')
    kept = persons >= model.person_score_thr
    for i, sample in enumerate(samples):
        pred = sample.pred_instances
        keep = kept[i] if kept[i].any() else torch.ones_like(kept[i])
        height, width = sample.img_shape
        size = torch.tensor([width, height] * 2)
        expected = torch.minimum(boxes[i].clamp(min=0), size - 1) / size
        assert torch.allclose(pred.bboxes, expected[keep])
        assert pred.scores.shape == (int(keep.sum()), 1 + CLASSES)
        assert pred.scores[:, 0].abs().sum() == 0
        assert torch.allclose(pred.scores[:, 1:], actions[i][keep].sigmoid())
        assert torch.allclose(pred.person_scores, persons[i][keep])
    assert kept[0].sum() == 3
    model.multiply_person_score = True
    product = run(model, raw_batch(), 'predict')[0].pred_instances
    plain = samples[0].pred_instances
    assert torch.allclose(product.scores,
                          plain.scores * plain.person_scores[:, None])


def test_nobody_above_the_threshold_keeps_all():
    model = build_detector(person_score_thr=1.)
    for sample in run(model, raw_batch(), 'predict'):
        assert len(sample.pred_instances) == 6


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast(dtype):
    model = build_detector().train()
    with torch.autocast('cpu', dtype=dtype):
        losses = run(model, raw_batch(), 'loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(v.isfinite() for v in losses.values())
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_matching_is_mmdets():
    """All stages and clips at once, against one assigner call for each."""
    model = build_detector().train()
    data = model.data_preprocessor(raw_batch(num_gts=(3, 9)))
    samples = data['data_samples']
    gts = [sample.gt_instances.bboxes for sample in samples]
    whwh = whwh_of([sample.img_shape for sample in samples])
    with torch.no_grad():
        stages, _ = model._forward(data['inputs'],
                                   [s.img_shape for s in samples], whwh)
    head = model.actor_head
    for actors, matches in zip(stages, head.match(stages, gts, whwh)):
        assert matches.clips.tolist() == [0] * 3 + [1] * 6
        for i, sample in enumerate(samples):
            result = head.assigner.assign(
                InstanceData(scores=actors.logits[i], bboxes=actors.boxes[i]),
                InstanceData(
                    bboxes=gts[i], labels=torch.zeros(len(gts[i])).long()),
                img_meta=dict(img_shape=sample.img_shape))
            own = matches.clips == i
            queries = torch.nonzero(result.gt_inds > 0).flatten()
            assert torch.equal(matches.queries[own], queries)
            assert torch.equal(matches.gts[own],
                               result.gt_inds[queries] - 1 + 3 * i)


def test_mode_is_checked():
    with pytest.raises(ValueError, match="mode='train' is none of"):
        run(build_detector(), raw_batch(), 'train')


@pytest.mark.parametrize('mode', ['loss', 'predict'])
def test_samples_are_needed(mode):
    with pytest.raises(ValueError, match=f"mode='{mode}' needs data_samples"):
        build_detector()(torch.zeros(1, 3, 8, 64, 96), mode=mode)


def test_tensor_mode_without_samples():
    model = build_detector()
    data = raw_batch(sizes=((64, 96), (64, 96)))
    clips = model.data_preprocessor(copy.deepcopy(data))['inputs']
    with torch.no_grad():
        alone = model(clips)
    assert all(torch.equal(a, b) for a, b in zip(alone, outputs(model, data)))


@pytest.mark.parametrize('kwargs', [dict(fill='mean'), dict(token_order='x')])
def test_decoder_arguments(kwargs):
    name, value = next(iter(kwargs.items()))
    with pytest.raises(ValueError, match=f"{name}='{value}' is none of"):
        build_detector(decoder=kwargs)


def test_is_built_without_memory():
    with torch.device('meta'):
        model = MODELS.build(detector_config())
    assert all(p.is_meta for p in model.parameters())
    shapes = {k: v.shape for k, v in build_detector().state_dict().items()}
    assert {k: v.shape for k, v in model.state_dict().items()} == shapes


def test_training_learns_one_batch():
    """The loss of one batch falls to a small share in 60 steps."""
    model = build_detector().train()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    data, history = raw_batch(), []
    for _ in range(60):
        losses = run(model, copy.deepcopy(data), 'loss')
        total, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append(total.item())
    assert history[-1] < 0.25 * history[0]
