"""EVAD against the numbers of the released model (float32).

The folder comes from the environment variable MMEVAD_GOLDEN; another one of
the same form can be tested. Its optional files may be absent.
"""
import re

import numpy as np
import pytest
import torch

from mmevad.converters.evad import rename_evad
from mmevad.models.evad.boxes import whwh_of
from .golden_model import ROOT, Recorder, Reference, load
from .test_importance import PATHS, take

TOLERANCE = 1e-4
FILES = sorted(p.name for p in ROOT.glob('evad_tiny_ew*.npz'))
CASES = [('evad_tiny.npz', 1.)] + [
    (name, float(re.search(r'ew([\d.]+)\.npz', name)[1])) for name in FILES
]
SORTED = load('evad_tiny_sorted_remap.npz')
TRAIN = load('evad_tiny_train.npz')


def weights_of(arrays, suffix=''):
    """Enhanced weights for which a file holds arrays."""
    found = [re.match(rf'ew([\d.]+){suffix}/', k) for k in arrays]
    return sorted({float(m[1]) for m in found if m})


def check(name, got, expected, tolerance=TOLERANCE):
    """max|a-b| <= 1e-4 max|b| for floats, equality for integers."""
    expected = np.asarray(expected)
    got = torch.as_tensor(got).detach().cpu().numpy()
    assert got.shape == expected.shape, name
    if expected.dtype.kind in 'iu':
        assert np.array_equal(got, expected), name
        return
    error = np.abs(got - expected).max()
    limit = tolerance * np.abs(expected).max()
    assert error <= limit, f'{name}: {error:.3g} > {limit:.3g}'


def run(reference, weight, token_order, **backbone):
    """Evaluate the reference clips; all intermediates by golden name."""
    model = reference.build(weight, token_order, **backbone).eval()
    clips, samples = reference.batch(model)
    recorder = Recorder(model)
    whwh = whwh_of([s.img_shape for s in samples], clips.device)
    with torch.no_grad():
        recorder.add_outputs(
            *model._forward(clips, [s.img_shape for s in samples], whwh))
    return model, samples, whwh, recorder


def check_predictions(reference, model, samples, whwh, out, arrays, prefix):
    """Thresholded predictions, for every threshold in the file."""
    last = len(model.actor_head.stages) - 1
    actors = type('Last', (), {})
    actors.logits = out[f'head{last}_class_logits']
    actors.boxes = out[f'head{last}_pred_bboxes']
    logits = out[f'action_logits_{len(model.context_decoder.blocks) - 1}']
    found = [re.match(rf'{prefix}(thr([\d.]+)_)?final_', k) for k in arrays]
    checked = 0
    for thr, value in {(m[1] or '', m[2]) for m in found if m}:
        thr += 'final_'
        model.person_score_thr = float(value
                                       or reference.cfg['person_threshold'])
        model.predict(actors, logits, samples, whwh)
        preds = [s.pred_instances for s in samples]
        boxes = torch.cat([
            torch.cat((p.bboxes.new_full((len(p), 1), i), p.bboxes), 1)
            for i, p in enumerate(preds)
        ])
        actions = torch.cat([p.scores[:, 1:] for p in preds])
        owner = torch.cat(
            [torch.full((len(p), ), i) for i, p in enumerate(preds)])
        metadata = torch.from_numpy(reference.arrays['in/metadata'])[owner]
        for name, got in (('actions', actions), ('boxes', boxes), ('metadata',
                                                                   metadata)):
            if prefix + thr + name in arrays:
                check(thr + name, got, arrays[prefix + thr + name])
                checked += 1
    model.person_score_thr = 0.
    model.predict(actors, logits, samples, whwh)
    for name in ('person_scores', 'person_boxes'):
        if f'{prefix}final_{name}' not in arrays:
            continue
        if name == 'person_scores':
            got = [s.pred_instances.person_scores for s in samples]
        else:
            got = [
                s.pred_instances.bboxes *
                s.pred_instances.bboxes.new_tensor(s.ori_shape[::-1] * 2)
                for s in samples
            ]
        check(f'final_{name}', torch.stack(got),
              arrays[f'{prefix}final_{name}'])
        checked += 1
    assert checked


@pytest.fixture(scope='module')
def reference():
    return Reference()


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('name,weight', CASES, ids=[c[0] for c in CASES])
def test_golden_evad_evaluation(reference, name, weight, path, monkeypatch):
    """Every intermediate and output, released token order."""
    take(path, monkeypatch)
    arrays = load(name)
    model, samples, whwh, recorder = run(reference, weight, 'importance')
    out = recorder.out
    skipped = []
    for key, expected in arrays.items():
        short = key[len('eval/'):]
        if key.startswith('eval/') and 'final_' not in key:
            if short not in out:
                skipped.append(short)
                continue
            check(short, out[short], expected)
    assert not skipped
    check_predictions(reference, model, samples, whwh, out, arrays, 'eval/')
    for name in ('backbone', 'crd'):
        part = model.backbone if name == 'backbone' else model.context_decoder
        check(name, part.position.table,
              reference.arrays[f'aux/pos_embed_{name}'])


@pytest.mark.parametrize('name,weight', CASES, ids=[c[0] for c in CASES])
def test_golden_evad_compiled(reference, name, weight):
    """Backbone and decoder as one graph each."""
    arrays = load(name)
    model = reference.build(weight).eval()
    model.backbone, model.context_decoder = (
        torch.compile(part, fullgraph=True, dynamic=False, backend='eager')
        for part in (model.backbone, model.context_decoder))
    clips, samples = reference.batch(model)
    shapes = [s.img_shape for s in samples]
    with torch.no_grad():
        stages, logits = model._forward(clips, shapes,
                                        whwh_of(shapes, clips.device))
    check('boxes', stages[-1].boxes,
          arrays[f'eval/head{len(stages) - 1}_pred_bboxes'])
    for i, level in enumerate(logits):
        check(f'action_logits_{i}', level, arrays[f'eval/action_logits_{i}'])


@pytest.mark.parametrize('weight', weights_of(SORTED))
def test_golden_evad_sorted_remap(reference, weight):
    """Tokens that return to their own places."""
    model, samples, whwh, recorder = run(reference, weight, 'position')
    out = recorder.out
    ids = recorder.video.ids
    first = torch.arange(recorder.spot).expand(len(ids), -1)
    order = torch.cat(
        (first, ids[:, recorder.spot:].argsort(1) + recorder.spot), 1)
    last = len(model.backbone.blocks) - 1
    for key in ('tokens_norm', f'tokens_block{last}'):
        out[key] = out[key].gather(
            1, order[..., None].expand(-1, -1, out[key].size(-1)))
    out[f'idx_block{last}'] = recorder.context_ids(ids.gather(1, order))
    prefix = f'ew{weight:g}/'
    for key, expected in SORTED.items():
        if key.startswith(prefix) and 'final_' not in key:
            check(key, out[key[len(prefix):]], expected)
    check_predictions(reference, model, samples, whwh, out, SORTED, prefix)


def train_step(reference, weight, token_order, **backbone):
    model = reference.build(weight, token_order, **backbone).train()
    clips, samples = reference.batch(model, TRAIN)
    recorder = Recorder(model)
    losses = model(clips, samples, mode='loss')
    total, log_vars = model.parse_losses(losses)
    total.backward()
    return model, losses, total, log_vars, samples, recorder


def check_train(model, losses, total, arrays, prefix):
    last_stage = len(model.actor_head.stages) - 1
    last_block = len(model.context_decoder.blocks) - 1
    weights = dict(
        ce=model.actor_head.loss_cls.loss_weight,
        bbox=model.actor_head.loss_bbox.loss_weight,
        giou=model.actor_head.loss_iou.loss_weight,
        bce=model.context_decoder.loss_weight)
    terms = dict(ce='cls', bbox='bbox', giou='iou', bce='action')
    checked = 0
    for key, expected in arrays.items():
        match = re.match(
            rf'{prefix}/loss_(un)?weighted/loss_([a-z]+?)(?:_(\d+))?$', key)
        if not match:
            continue
        term = match[2]
        last = last_block if term == 'bce' else last_stage
        place = int(match[3]) if match[3] else last
        part = 'block' if term == 'bce' else 'stage'
        got = losses[f'{part}{place}.loss_{terms[term]}']
        got = got / weights[term] if match[1] else got
        check(key, got, expected)
        checked += 1
    assert checked == 2 * len(losses)
    check('total', total, arrays[f'{prefix}/loss_total'])
    grads = {n: p.grad for n, p in model.named_parameters()}
    names = [str(n) for n in arrays[f'{prefix}/grad_names']]
    num_fcs = len(model.context_decoder.classifiers[0]) // 3
    ours = {n: rename_evad(n, num_fcs) for n in names}
    assert set(ours.values()) == set(grads)
    norms = [float(grads[ours[n]].norm()) for n in names]
    check('gradient norms', torch.tensor(norms),
          arrays[f'{prefix}/grad_norms'])
    for key, expected in arrays.items():
        if key.startswith(f'{prefix}/grad/'):
            check(key, grads[ours[key.split('/')[-1]]], expected)


@pytest.mark.parametrize('cp', [False, True], ids=['plain', 'checkpointing'])
@pytest.mark.parametrize('weight', weights_of(TRAIN))
def test_golden_evad_training(reference, weight, cp):
    """Losses, matches, gradients, released token order."""
    model, losses, total, log_vars, samples, recorder = train_step(
        reference, weight, 'importance', with_cp=cp)
    check_train(model, losses, total, TRAIN, f'ew{weight:g}')
    gts = [s.gt_instances.bboxes for s in samples]
    whwh = whwh_of([s.img_shape for s in samples])
    stages = recorder.stages
    found = model.actor_head.match(stages, gts, whwh)
    for i, matches in enumerate((*found, recorder.matches)):
        stage = 'final' if i >= len(stages) - 1 else f'aux{i}'
        first = 0
        for clip, count in enumerate(map(len, gts)):
            own = matches.clips == clip
            pairs = torch.stack(
                (matches.queries[own], matches.gts[own] - first))
            check(f'match {stage} {clip}', pairs,
                  TRAIN[f'ew{weight:g}/match_{stage}_img{clip}'])
            first += count


@pytest.mark.parametrize('weight', weights_of(SORTED, '_train'))
def test_golden_evad_training_sorted_remap(reference, weight):
    """Losses and gradient norms with tokens at their own places."""
    model, losses, total, *_ = train_step(reference, weight, 'position')
    check_train(model, losses, total, SORTED, f'ew{weight:g}_train')
