"""torch.compile takes backbone and decoder as one graph each; inference
waits for no number of the device."""
import pytest
import torch

from .small import build_detector, raw_batch

BATCH = (2, 3, 8, 64, 96)


@pytest.fixture(autouse=True)
def reset():
    yield
    torch._dynamo.reset()


def outputs(model, backbone, decoder, clips):
    """Tokens, ids, maps, logits and gradients by name."""
    whwh = torch.tensor([[96., 64, 96, 64]] * len(clips))
    video = backbone(clips)
    stages = model.actor_head(model.neck(video.keyframe_maps), whwh)
    logits = decoder(video, stages[-1].boxes, whwh)
    result = dict(tokens=video.tokens, ids=video.ids, last=logits[-1])
    result = {name: value.detach() for name, value in result.items()}
    if torch.is_grad_enabled():
        model.zero_grad()
        # all of the decoder's outputs, or unused ones get zero gradients
        sum(x.square().sum() for x in logits).backward()
        result.update((n, p.grad.clone()) for n, p in model.named_parameters()
                      if p.grad is not None)
    return result


@pytest.mark.parametrize('selector,backend,grad', [
    ('gap', 'eager', False),
    pytest.param('gap', 'aot_eager', True, marks=pytest.mark.slow),
    pytest.param('cls', 'aot_eager', True, marks=pytest.mark.slow),
    pytest.param('unified', 'aot_eager', True, marks=pytest.mark.slow),
    pytest.param('gap', 'inductor', True, marks=pytest.mark.slow),
])
def test_one_graph(selector, backend, grad):
    model = build_detector(backbone=dict(selector=selector))
    clips = torch.randn(BATCH)
    with torch.set_grad_enabled(grad):
        expected = outputs(model, model.backbone, model.context_decoder, clips)
        got = outputs(
            model,
            *(torch.compile(
                part, fullgraph=True, dynamic=False, backend=backend)
              for part in (model.backbone, model.context_decoder)), clips)
    assert set(got) == set(expected)
    assert torch.equal(got['ids'], expected['ids'])
    for name, value in expected.items():
        error = (got[name] - value).abs().max()
        assert error <= 1e-4 * value.abs().max() + 1e-6, name


@pytest.mark.parametrize('backbone', [
    dict(),
    dict(keyframe_weight=4.),
    dict(selector='cls'),
    dict(selector='unified'),
    dict(selector='random'),
    dict(mask_padding=True),
])
def test_inference_waits_for_no_number(backbone):
    """On the meta device there are none."""
    model = build_detector(backbone=backbone).to('meta')
    samples = raw_batch()['data_samples']
    for sample, shape in zip(samples, ((64, 96), (50, 70))):
        sample.set_metainfo(dict(img_shape=shape))
    with torch.no_grad():
        logits, boxes, actions = model(
            torch.zeros(BATCH, device='meta'), samples)
    assert logits.shape == (2, 6, 2) and boxes.shape == (2, 6, 4)
    assert actions.shape == (2, 6, 5)
