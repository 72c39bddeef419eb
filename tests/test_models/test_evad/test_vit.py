"""KeyframeTokenPruneViT."""
import pytest
import torch

from .small import MODELS, backbone_config, build_backbone


def clip(batch=2, height=64, width=96, frames=8, seed=0):
    torch.manual_seed(seed)
    return torch.randn(batch, 3, frames, height, width)


def plain_vit(model, **kwargs):
    """mmaction2's ViT with the same weights."""
    cfg = backbone_config()
    plain = MODELS.build(
        dict(
            type='VisionTransformer',
            use_mean_pooling=False,
            return_feat_map=True,
            **{
                k: cfg[k]
                for k in ('img_size', 'patch_size', 'num_frames',
                          'tubelet_size', 'embed_dims', 'depth', 'num_heads')
            }))
    missing, unexpected = plain.load_state_dict(model.state_dict(), False)
    assert missing == ['pos_embed'] and not unexpected
    return plain.eval()


@pytest.mark.parametrize('size', [(64, 64), (64, 96)])
def test_without_pruning_equals_mmaction2(size):
    model = build_backbone(keep_rate=1.)
    video = clip(height=size[0], width=size[1])
    with torch.no_grad():
        out = model(video)
        expected = plain_vit(model)(video).flatten(2).mT  # B, N, C
    got = torch.empty_like(out.tokens).scatter(
        1, out.ids[..., None].expand_as(out.tokens), out.tokens)
    assert torch.allclose(got, expected, atol=1e-5)


def test_keyframe_maps_without_pruning():
    """Maps are the keyframe's tokens after each block, resized."""
    model = build_backbone(keep_rate=1.)
    plain, stages = plain_vit(model), []
    for block in plain.blocks:
        block.register_forward_hook(lambda m, a, out: stages.append(out))
    video = clip()
    with torch.no_grad():
        maps = model(video).keyframe_maps
        plain(video)
    spot, key = 4 * 6, 2
    shapes = [tuple(m.shape[2:]) for m in maps]
    assert shapes == [(16, 24), (8, 12), (4, 6), (2, 3)]
    for level, tokens, step in zip(maps, stages, (4, 2, 1, None)):
        tokens = tokens[:, key * spot:(key + 1) * spot].mT
        expected = tokens.unflatten(2, (4, 6))
        if step is None:
            expected = expected[..., ::2, ::2]
        else:
            expected = expected.repeat_interleave(step, 2).repeat_interleave(
                step, 3)
        assert torch.allclose(level, expected, atol=1e-5)


@pytest.mark.parametrize('selector', ['gap', 'cls', 'unified', 'random'])
@pytest.mark.parametrize('rates', [0.7, (0.9, 0.5)])
def test_selectors(selector, rates):
    model = build_backbone(selector=selector, keep_rate=rates)
    with torch.no_grad():
        out = model(clip())
    total = 4 * 24
    for rate in model.keep_rates.values():
        total = -int(-rate * total // 1)
    assert out.tokens.shape == (2, total, 24)
    for row in out.ids:
        assert len(set(row.tolist())) == total
        if selector != 'unified':
            assert row[:24].tolist() == list(range(48, 72))
    assert out.num_protected == (0 if selector == 'unified' else 24)
    assert all(m.isfinite().all() for m in out.keyframe_maps)


def test_gap_drops_the_least_attended():
    """The dropped tokens are those with the smallest importance."""
    model = build_backbone(prune_blocks=(1, ), keep_rate=0.5)
    seen = {}
    inner = model._attend_and_score

    def spy(*args, ids, **kwargs):
        out, seen['scores'] = inner(*args, ids=ids, **kwargs)
        seen['ids'] = ids
        return out, seen['scores']

    model._attend_and_score = spy
    with torch.no_grad():
        out = model(clip())
    for row in range(2):
        order = seen['scores'][row, 24:].argsort(descending=True)
        best = seen['ids'][row, 24:][order[:24]]
        assert out.ids[row, 24:].tolist() == best.tolist()


def test_unified_leaves_holes_in_the_keyframe():
    model = build_backbone(selector='unified', keep_rate=0.4)
    with torch.no_grad():
        out = model(clip())
    spot = out.keyframe_maps[2]  # taken after both prunings, not resized
    for row, ids in zip(spot, out.ids):
        present = torch.zeros(24, dtype=torch.bool)
        present[ids[(ids >= 48) & (ids < 72)] - 48] = True
        assert not present.all()
        assert torch.equal(row.flatten(1).abs().sum(0) > 0, present)


def test_random_is_reproducible():
    model = build_backbone(selector='random')
    torch.manual_seed(3)
    first = model(clip()).ids
    torch.manual_seed(3)
    assert torch.equal(first, model(clip()).ids)
    torch.manual_seed(4)
    video = clip()
    torch.manual_seed(5)
    assert not torch.equal(first, model(video).ids)


@pytest.mark.parametrize('index', [0, 1, 3])
def test_any_keyframe(index):
    model = build_backbone(keyframe_index=index)
    with torch.no_grad():
        out = model(clip())
    assert out.ids[0, :24].tolist() == list(range(24 * index, 24 * index + 24))


def test_keyframe_weight_changes_the_choice():
    with torch.no_grad():
        ids = [
            set(build_backbone(keyframe_weight=w)(clip()).ids[0].tolist())
            for w in (1., 100.)
        ]
    assert ids[0] != ids[1]


def test_checkpointing_changes_nothing():
    grads = []
    for with_cp in (False, True, [True, False, True, False]):
        model = build_backbone(with_cp=with_cp).train()
        out = model(clip())
        (out.tokens.sum() + sum(m.square().sum()
                                for m in out.keyframe_maps)).backward()
        grads.append([p.grad.clone() for p in model.parameters()])
    for other in grads[1:]:
        assert all(torch.equal(a, b) for a, b in zip(grads[0], other))


@pytest.mark.parametrize('mask', [False, True])
def test_checkpointing_reuses_the_choice(mask):
    """Scores are worked out once, and the second run of a block keeps the
    tokens of the first even if they would now come out otherwise."""
    model = build_backbone(with_cp=True, mask_padding=mask).train()
    shapes = [(64, 96), (64, 64)] if mask else None
    inner, calls = model._attend_and_score, []

    def disturbed(*args, **kwargs):
        out, scores = inner(*args, **kwargs)
        calls.append(scores)
        return out, torch.rand_like(scores)

    out = model(clip(), shapes)
    out.tokens.square().sum().backward()
    grads = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    out = model(clip(), shapes)
    model._attend_and_score = disturbed
    out.tokens.square().sum().backward()
    assert not calls
    again = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(grads, again))


def test_positions_depend_on_the_shape_not_the_count():
    """32x128 has as many tokens as 64x64, but another table."""
    position = build_backbone().position
    square, wide = position((4, 4, 4)), position((4, 2, 8))
    assert square.shape == wide.shape and not torch.allclose(square, wide)


@pytest.mark.parametrize('kwargs,frames,size,message', [
    (dict(), 7, 64, 'clip of 7 frames cannot be cut into tubelets of 2'),
    (dict(), 6, 64, r'odd number of time slices \(3\)'),
    (dict(), 4, 64, 'clip has 2 time slices but the position table'),
    (dict(), 8, 48, '48x96 pixels is not padded to a multiple of 32'),
])
def test_clips_that_do_not_fit(kwargs, frames, size, message):
    model = build_backbone(**kwargs)
    with pytest.raises(ValueError, match=message):
        model(clip(frames=frames, height=size))


def test_odd_slices_with_an_explicit_keyframe():
    model = build_backbone(num_frames=6, keyframe_index=1)
    assert model(clip(frames=6)).ids[0, 0] == 24


@pytest.mark.parametrize('kwargs,message', [
    (dict(keep_rate=0.), r'keep_rate=0\.0 is not in \(0, 1\]'),
    (dict(keep_rate=[0.5]), 'must be one value or 2 of them'),
    (dict(prune_blocks=(1, 9)), 'prune_blocks=.*from 0 to 3'),
    (dict(prune_blocks=(2, 1)), 'increasing'),
    (dict(selector='best'), "selector='best' is none of"),
    (dict(out_indices=(1, 3)), 'one entry per keyframe map'),
    (dict(keyframe_index=4), 'keyframe_index=4 is not one of the 4'),
    (dict(num_frames=10), 'odd number of time slices'),
    (dict(keep_rate=0.45), 'which cuts into the N1=16 keyframe'),
    (dict(num_heads=5), 'not a multiple of num_heads=5'),
])
def test_arguments_out_of_range(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build_backbone(**kwargs)
