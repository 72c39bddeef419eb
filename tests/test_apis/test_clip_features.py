# Copyright (c) mmevad authors. All rights reserved.
import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from mmevad.apis import ClipFeatureExtractor, EVADInferencer, open_video
from mmevad.structures import FeatureGrid
from mmevad.utils.errors import CheckpointError, DataError
from .recognizers import (SLOWFAST, SLOWONLY, TSN, VIT, make_config,
                          write_weights)
from .small import (CONFIG, FPS, frames, write_checkpoint, write_folder,
                    write_video)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('features')
    write_checkpoint(root / 'evad.pth')
    write_folder(root / 'clip', frames())
    write_video(root / 'clip.mp4', frames())
    return root


@pytest.fixture(scope='module')
def video(root):
    return open_video(str(root / 'clip'), FPS)


def load(cfg, path):
    model = MODELS.build(cfg.model)
    model.load_state_dict(torch.load(path)['state_dict'])
    return model.eval()


def clip(start, length, interval):
    """(1, 3, T, 96, 128) RGB in [0, 255], without our code."""
    images = frames()[start:start + length * interval:interval, ..., ::-1]
    return torch.from_numpy(images.copy()).permute(3, 0, 1, 2)[None].float()


@pytest.mark.parametrize('stride', [2, 5])
def test_evads_features_are_its_backbones(root, video, stride):
    extractor = ClipFeatureExtractor(
        CONFIG, str(root / 'evad.pth'), stride, pool='mean+keyframe_max')
    found = extractor(video)
    cfg = Config.fromfile(CONFIG)
    model = load(cfg, root / 'evad.pth')
    preprocessor = cfg.model.data_preprocessor
    steps = cfg.test_dataloader.dataset.pipeline
    sample = steps[[s['type'] for s in steps].index('SampleAVAFrames')]
    assert (sample.clip_len, sample.frame_interval) == (8, 2)
    assert found.shape == ((30 - 16) // stride + 1, 2 * 192)
    assert found.dtype == np.float32
    for g, row in enumerate(found):
        x = (clip(g * stride, 8, 2) - preprocessor.mean[0]) / (
            preprocessor.std[0])
        with torch.no_grad():
            tokens = model.backbone(x).tokens
        key = tokens[:, :48]  # 6 x 8
        expected = torch.cat((tokens.mean(1), key.amax(1)), 1)
        np.testing.assert_allclose(row, expected[0], atol=2e-5)


def test_times_are_those_of_the_keyframes(root, video):
    extractor = ClipFeatureExtractor(CONFIG, str(root / 'evad.pth'), 3)
    settings = extractor.settings
    grid = FeatureGrid(FPS, settings['feat_stride'], settings['num_frames'])
    keyframes = np.arange(5) * 3 + 8  # clip_len // 2 = 4, frame_interval = 2
    np.testing.assert_allclose(
        grid.to_seconds(np.arange(5)), keyframes / FPS, rtol=1e-12)


def test_batches_and_readers_change_nothing(root, video):
    extractor = ClipFeatureExtractor(CONFIG, str(root / 'evad.pth'), 2)
    one = extractor(video, batch_size=1)
    for size in (3, 50):
        np.testing.assert_allclose(
            extractor(video, batch_size=size), one, atol=1e-5)
    file = extractor(str(root / 'clip.mp4'))  # the codec loses a little
    assert file.shape == one.shape
    assert np.abs(file - one).mean() < .1 * one.std()


CASES = [
    (SLOWONLY, 32, lambda out: out.mean((2, 3, 4))),
    (SLOWFAST, 80, lambda out: torch.cat([x.mean((2, 3, 4)) for x in out], 1)),
    (VIT, 16, lambda out: out),
]


@pytest.mark.parametrize('backbone, channels, pool', CASES)
def test_recognizers_of_mmaction2(root, video, backbone, channels, pool):
    cfg = make_config(backbone, channels)
    weights = write_weights(root / f'{channels}.pth', cfg)
    found = ClipFeatureExtractor(cfg.copy(), weights, 4)(video, batch_size=2)
    assert found.shape == ((30 - 12) // 4 + 1, channels)
    model = load(cfg, weights)
    mean, std = (
        torch.tensor(cfg.model.data_preprocessor[key]).view(3, 1, 1, 1)
        for key in ('mean', 'std'))
    for g, row in enumerate(found):
        images = clip(4 * g, 4, 3)[0].permute(1, 2, 3, 0).numpy()
        small = np.stack(
            [cv2.resize(i.astype(np.uint8), (43, 32)) for i in images])
        x = torch.from_numpy(small[:, :, 5:37]).permute(3, 0, 1, 2)
        with torch.no_grad():
            expected = pool(model.backbone(((x - mean) / std)[None]))
        np.testing.assert_allclose(row, expected[0], atol=1e-5, rtol=1e-5)


def test_layers_and_maxima(root, video):
    cfg = make_config(SLOWONLY)
    weights = write_weights(root / 'layer.pth', cfg)
    args = dict(feat_stride=9, pool='max', clip_len=6, frame_interval=1)
    found = ClipFeatureExtractor(
        cfg.copy(), weights, layer='backbone.layer2', **args)
    whole, outputs = ClipFeatureExtractor(cfg.copy(), weights, **args), []
    whole.model.backbone.layer2.register_forward_hook(
        lambda module, args, output: outputs.append(output))
    whole(video, batch_size=3)
    assert outputs[0].shape == (3, 8, 6, 4, 4)
    np.testing.assert_array_equal(
        found(video, batch_size=3), outputs[0].amax((2, 3, 4)))
    with pytest.raises(
            DataError, match="no layer 'layer2'; .*backbone.layer1"):
        ClipFeatureExtractor(cfg.copy(), weights, 9, layer='layer2')


def test_crops_are_averaged(root, video):
    wide = make_config(SLOWONLY, crop=dict(type='ThreeCrop'))
    weights = write_weights(root / 'crops.pth', wide)
    three = ClipFeatureExtractor(wide, weights, 6)
    sample = three.preprocess(np.arange(4), video.read(range(4)))
    assert sample['inputs'].shape == (3, 3, 4, 32, 32)
    found = three.forward([sample, sample])
    crops = [dict(sample, inputs=crop[None]) for crop in sample['inputs']]
    expected = torch.cat([three.forward([crop]) for crop in crops]).mean(0)
    assert torch.allclose(found, expected.expand(2, -1), atol=1e-5)


def test_frames_of_2d_recognizers_are_averaged(root, video):
    cfg = make_config(TSN, 512, clip_len=1, num_clips=3)
    weights = write_weights(root / 'tsn.pth', cfg)
    with pytest.raises(DataError, match='clip_len must be given'):
        ClipFeatureExtractor(cfg.copy(), weights, 4)
    single = ClipFeatureExtractor(
        cfg.copy(), weights, 1, clip_len=1, frame_interval=1)(
            video)
    assert single.shape == (30, 512)
    clips = ClipFeatureExtractor(
        cfg.copy(), weights, 4, clip_len=3, frame_interval=2)(
            video)
    for g, row in enumerate(clips):
        expected = single[4 * g:4 * g + 5:2].mean(0)
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_half_precision_is_near(root, video):
    cfg = make_config(SLOWONLY)
    weights = write_weights(root / 'half.pth', cfg)
    full, half = (
        ClipFeatureExtractor(cfg.copy(), weights, 6, fp16=fp16)(video)
        for fp16 in (False, True))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < .05 * np.abs(full).max()


def test_the_same_weights_have_the_same_settings(root):
    """Wherever the file is; others do not."""
    cfg = make_config(SLOWONLY)
    first = write_weights(root / 'first.pth', cfg)
    state = torch.load(first)['state_dict']
    torch.save(dict(state, **{}), root / 'copy.pth')
    state['backbone.layer1.0.conv1.conv.weight'][0] += 1
    torch.save(state, root / 'other.pth')
    settings = [
        ClipFeatureExtractor(cfg.copy(), str(root / f'{name}.pth'), 6).settings
        for name in ('first', 'copy', 'other')
    ]
    assert settings[0] == settings[1] != settings[2]


def test_what_does_not_fit_is_named(root, video, tmp_path):
    cfg = make_config(SLOWONLY)
    weights = write_weights(root / 'fit.pth', cfg)
    with pytest.raises(DataError, match='The config no.py does not exist'):
        ClipFeatureExtractor('no.py', weights, 2)
    with pytest.raises(CheckpointError, match='not a checkpoint of the model'):
        ClipFeatureExtractor(CONFIG, weights, 2)
    with pytest.raises(DataError, match="'nonsense' cannot be used"):
        ClipFeatureExtractor(cfg.copy(), weights, 2, device='nonsense')
    with pytest.raises(ValueError, match='at least 1'):
        ClipFeatureExtractor(cfg.copy(), weights, 0)
    long = ClipFeatureExtractor(cfg.copy(), weights, 2, frame_interval=8)
    with pytest.raises(DataError, match='clip has 30 frames, .* takes 32'):
        long(video)
    flow = cfg.copy()
    flow.test_dataloader.dataset.modality = 'Flow'
    with pytest.raises(DataError, match='tests on Flow'):
        ClipFeatureExtractor(flow, weights, 2)


def test_features_that_are_not_numbers_are_refused(root, video):
    cfg = make_config(SLOWONLY)
    path = write_weights(root / 'nan.pth', cfg)
    extractor = ClipFeatureExtractor(cfg, path, 3)
    name = 'backbone.layer4.1.conv2.conv.weight'
    with torch.no_grad():
        extractor.model.get_parameter(name)[0] = float('nan')
    with pytest.raises(DataError, match='clip: feature 0 of 7, from frame 0'):
        extractor(video)
    state = torch.load(path)['state_dict']
    state[name][0] = float('inf')
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=f'no use: {name}, one of 1 '):
        ClipFeatureExtractor(cfg, path, 3)


@pytest.mark.parametrize('pool', ['max', 'mean'])
def test_what_evads_heads_say_is_pooled_over_the_persons(root, video, pool):
    extractor = ClipFeatureExtractor(
        CONFIG, str(root / 'evad.pth'), 7, layer='actions', pool=pool)
    found = extractor(video)
    assert found.shape == (3, 7) and 0 < found.min() and found.max() < 1
    inferencer = EVADInferencer(
        CONFIG, str(root / 'evad.pth'), person_score_thr=0)
    keyframes = list(inferencer.detect(video, every=1))
    for row, keyframe in zip(found, keyframes[8::7]):
        scores = np.stack(
            [p.person_score * p.scores for p in keyframe.persons])
        expected = getattr(np, pool)(scores, 0)
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_layers_are_joined(root, video):
    single = [
        ClipFeatureExtractor(
            CONFIG, str(root / 'evad.pth'), 7, layer=layer, pool='max')(video)
        for layer in ('backbone', 'actions')
    ]
    joined = ClipFeatureExtractor(
        CONFIG,
        str(root / 'evad.pth'),
        7,
        layer='backbone+actions',
        pool='max')(
            video)
    np.testing.assert_allclose(joined, np.concatenate(single, 1), atol=1e-6)
    # its blocks are run by parts
    idle = ClipFeatureExtractor(
        CONFIG, str(root / 'evad.pth'), 7, layer='backbone.blocks.0')
    with pytest.raises(DataError, match="'backbone.blocks.0' gives no output"):
        idle(video)
