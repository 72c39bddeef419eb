"""ActionFormer against the numbers of the released model (float32).

The folder comes from the environment variable MMEVAD_GOLDEN; another one of
the same form can be tested. Its optional files may be absent.
"""
import re

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from mmevad.converters.actionformer import rename_actionformer
from .golden_model import ROOT, Reference

BASE = Reference()
VARIANTS = ['base'] * bool(BASE.arrays) + sorted(
    re.match(r'tiny_variant_(.*)\.npz', p.name)[1]
    for p in ROOT.glob('tiny_variant_*.npz'))
LENGTHS = sorted({
    int(m[1])
    for m in (re.match(r'input/feats_len(\d+)$', k) for k in BASE.arrays)
    if m and f'eval{m[1]}/batched_masks' in BASE.arrays
})
CASES = sorted({
    m[1]
    for m in (re.match(r'loss/(.*)/final_loss$', k) for k in BASE.arrays) if m
})
TAGS = sorted({
    m[1]
    for m in (re.match(r'eval\d+/result/(.*)/segments$', k)
              for k in BASE.arrays) if m
})
TOLERANCES = dict(backbone=2e-5, neck=2e-5, cls_logits=2e-5, offsets=2e-5)
# their gradients are zero but for rounding
NO_GRADIENT = re.compile(r'\.attn\.(key|key_norm)\.bias$')


def check(name, got, expected, atol=0., rtol=0.):
    """|a - b| <= atol + rtol |b| for floats, equality for integers."""
    expected = np.asarray(expected)
    got = torch.as_tensor(got).detach().numpy()
    assert got.shape == expected.shape, name
    if expected.dtype.kind in 'biu':
        assert np.array_equal(got, expected), name
        return
    excess = np.abs(got - expected) - rtol * np.abs(expected)
    assert (excess <= atol).all(), f'{name}: {excess.max():.3g} > {atol:.3g}'


def check_rows(name, got, arrays, prefix):
    """Same segments, scores and labels; order up to scores within 1e-5."""
    segments, scores, labels = (np.asarray(x) for x in got)
    wanted = [arrays[prefix + n] for n in ('segments', 'scores', 'labels')]
    assert len(scores) == len(wanted[1]), name
    cost = np.abs(segments[:, None] - wanted[0]).sum(-1)
    cost += np.abs(scores[:, None] - wanted[1])
    cost += 1e6 * (labels[:, None] != wanted[2])
    rows, columns = linear_sum_assignment(cost)
    assert np.abs(segments[rows] -
                  wanted[0][columns]).max(initial=0) <= 2e-4, name
    assert np.abs(scores[rows] -
                  wanted[1][columns]).max(initial=0) <= 1e-5, name
    assert np.array_equal(labels[rows], wanted[2][columns]), name
    assert np.abs(scores - wanted[1]).max(initial=0) <= 1e-5, f'{name}: order'


def check_forward(model, inputs, arrays, case):
    """Every level of every stage; True where something was compared."""
    stages = {}
    model.neck.fpn.register_forward_hook(
        lambda module, args, out: stages.update(backbone=args[0], neck=out))
    with torch.no_grad():
        logits, distances, masks = model(inputs, mode='tensor')
    for name in ('backbone', 'neck'):
        stages[name] = [x.transpose(1, 2) for x in stages[name]]
    stages.update(
        cls_logits=logits,
        offsets=distances,
        mask=[m[:, 0] for m in masks],
        points=model.head.points(logits))
    found = set()
    for key, expected in arrays.items():
        match = re.match(rf'{case}/(\w+)/L(\d+)$', key)
        if match and match[1] in stages:
            level = stages[match[1]][int(match[2])]
            check(key, level, expected, TOLERANCES.get(match[1], 0))
            found.add(match[1])
    assert {'backbone', 'cls_logits', 'offsets', 'mask'} <= found


@pytest.mark.parametrize('variant', VARIANTS)
def test_golden_actionformer_forward(variant):
    """Training batch and test videos: features, masks, points, logits."""
    reference = Reference(variant)
    model = reference.build()
    assert model.neck.length_divisor == reference.cfg['max_div_factor']
    inputs, _ = reference.training_batch()
    check_forward(model.train(), inputs, reference.arrays, 'train')
    for length in LENGTHS:
        check_forward(model.eval(), [reference.feats(length)],
                      reference.arrays, f'eval{length}')


@pytest.mark.parametrize('variant', VARIANTS)
def test_golden_actionformer_result(variant):
    """Final segments of test videos, one by one and as a batch."""
    reference = Reference(variant)
    model = reference.build().eval()
    tag = 'result/soft_mc1_v70' if variant == 'base' else 'result_soft_mc1'
    feats = [reference.feats(n) for n in LENGTHS]
    batch = model(
        feats, [reference.test_sample(n) for n in LENGTHS], mode='predict')
    for length, together in zip(LENGTHS, batch):
        alone, = model([reference.feats(length)],
                       [reference.test_sample(length)],
                       mode='predict')
        for sample in (alone, together):
            pred = sample.pred_instances
            check_rows(f'{variant} {length}',
                       (pred.segments, pred.scores, pred.labels),
                       reference.arrays, f'eval{length}/{tag}/')


@pytest.mark.parametrize('tag', TAGS)
def test_golden_actionformer_postprocessing(tag):
    """Final segments with each kind of NMS, best first."""
    model = BASE.build(test=BASE.results[tag]).eval()
    for length in LENGTHS:
        sample, = model([BASE.feats(length)], [BASE.test_sample(length)],
                        mode='predict')
        pred = sample.pred_instances
        prefix = f'eval{length}/result/{tag}/'
        # without NMS the released code leaves the order of the levels
        order = np.argsort(-BASE.arrays[prefix + 'scores'], kind='stable')
        arrays = {
            k: v[order]
            for k, v in BASE.arrays.items() if k.startswith(prefix)
        }
        check_rows(f'{tag} {length}',
                   (pred.segments, pred.scores, pred.labels), arrays, prefix)


@pytest.mark.parametrize('length', LENGTHS)
def test_golden_actionformer_candidates(length):
    """What goes to NMS, level by level."""
    model = BASE.build().eval()
    prefix = f'eval{length}/candidates/'
    padded = BASE.arrays[f'eval{length}/batched_masks'].shape[-1]
    with torch.no_grad():
        levels, masks = model.extract_feat([BASE.feats(length)], padded)
    (segments, scores, labels), = model.head.candidates(levels, masks)
    begin = 0
    for count in BASE.arrays[prefix + 'num_per_level']:
        part = slice(begin, begin + count)
        arrays = {
            k: v[part]
            for k, v in BASE.arrays.items()
            if k.startswith(prefix) and 'num_per_level' not in k
        }
        check_rows(f'{length} {begin}',
                   (segments[part], scores[part], labels[part]), arrays,
                   prefix)
        begin += count
    assert begin == len(scores)


@pytest.mark.parametrize('center_sample', ['radius', 'none'])
def test_golden_actionformer_targets(center_sample):
    """Classes and distances of all points, padded ones included."""
    model = BASE.build(dict(center_sample=center_sample))
    inputs, samples = BASE.training_batch()
    length = BASE.cfg['max_seq_len']
    _, masks = model.extract_feat(inputs, length)
    points = model.head.points([m.transpose(1, 2) for m in masks])
    classes, distances = model.head.targets(points, samples)
    positive = (classes.sum(-1) > 0) & torch.cat([m[:, 0] for m in masks], 1)
    prefix = f'target/{center_sample}/'
    check('classes', classes, BASE.arrays[prefix + 'cls'])
    check('positive', positive, BASE.arrays[prefix + 'pos_mask'])
    check('distances', distances, BASE.arrays[prefix + 'offsets'])


@pytest.mark.parametrize('case', CASES)
def test_golden_actionformer_loss(case):
    """Losses of two steps, the normaliser and all gradients."""
    match = re.match(r'(radius|none|nopos)_ls([\d.]+)(?:_lw([\w.]+))?$', case)
    sampling = 'radius' if match[1] == 'nopos' else match[1]
    weight = -1 if match[3] == 'auto' else float(match[3] or 1)
    model = BASE.build(
        dict(
            center_sample=sampling,
            label_smoothing=float(match[2]),
            loss_weight=weight)).train()
    inputs, samples = BASE.training_batch(empty=match[1] == 'nopos')
    arrays = {
        k[len(f'loss/{case}/'):]: v
        for k, v in BASE.arrays.items() if k.startswith(f'loss/{case}/')
    }
    check('before', model.head.loss_normalizer,
          arrays['loss_normalizer_before'], 0, 1e-6)
    for prefix, suffix in (('', ''), ('second_call_', '_second')):
        losses = model(inputs, samples, mode='loss')
        total, _ = model.parse_losses(losses)
        if not prefix:
            total.backward()
        cls, reg = arrays[prefix + 'cls_loss'], arrays[prefix + 'reg_loss']
        factor = weight if weight > 0 else cls / max(reg, 0.01)
        check('cls', losses['loss_cls'], cls, 0, 1e-5)
        check('reg', losses['loss_reg'], factor * reg, 1e-12, 1e-5)
        check('total', total, arrays[prefix + 'final_loss'], 0, 1e-5)
        check('after', model.head.loss_normalizer,
              arrays['loss_normalizer_after' + suffix], 0, 1e-6)
    check_gradients(model, arrays)


def check_gradients(model, arrays):
    names = [str(n) for n in BASE.arrays['loss/grad_param_names']]
    grads = {n: p.grad for n, p in model.named_parameters()}
    assert {rename_actionformer(n) for n in names} == set(grads)
    for name, norm in zip(names, arrays['grad_norm']):
        if not NO_GRADIENT.search(name):
            got = grads[rename_actionformer(name)].norm()
            check(f'gradient of {name}', got, norm, 1e-6, 1e-4)
    total = torch.stack([g.norm() for g in grads.values()]).norm()
    check('gradient norm', total, arrays['grad_norm_total'], 0, 1e-4)
    for key, expected in arrays.items():
        if key.startswith('grad/'):
            got = grads[rename_actionformer(key[len('grad/'):])]
            check(key, got.reshape(expected.shape), expected,
                  1e-4 * np.abs(expected).max() + 1e-6)
