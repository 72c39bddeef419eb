# Copyright (c) mmevad authors. All rights reserved.
"""Thousands of videos through one inferencer: nothing grows, nothing drifts.

``make test-reliability``, or with another number
``MMEVAD_SOAK=200 pytest tests/reliability/test_soak.py -m reliability``.
"""
import os
import sys
from functools import partial

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from mmevad.apis import EVADInferencer, TALInferencer
from tests.test_apis.recognizers import SLOWONLY, make_config, write_weights
from tests.test_apis.small import CONFIG
from tests.test_apis.tal import CHANNELS, make_tal_config, write_tal_weights
from tests.test_configs.shrink import shrink
from .process import held, holdings, resident

pytestmark = pytest.mark.skipif(
    not os.path.isdir('/proc/self/fd'), reason='reads /proc, as Linux has it')
RUNS = int(os.environ.get('MMEVAD_SOAK', 2000))
# The share of the runs in which memory has not found its level yet: oneDNN
# keeps what it has made for each of the last 1024 shapes it has seen.
WARM_UP = .25


def build_evad(root):
    cfg = shrink(Config.fromfile(CONFIG))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model.copy())
    model.init_weights()
    path = str(root / 'evad.pth')
    torch.save(dict(state_dict=model.state_dict()), path)
    inferencer = EVADInferencer(cfg, path, 'cpu', person_score_thr=0)
    return partial(inferencer, every=9, score_thr=0)


def build_tal(root):
    slow = make_config(SLOWONLY)
    extractor = dict(
        config=slow, weights=write_weights(root / 'slow.pth', slow))
    cfg = make_tal_config()
    inferencer = TALInferencer(cfg, write_tal_weights(root / 'tal.pth', cfg),
                               'cpu', extractor)
    return partial(inferencer, score_thr=0)


def random_frames(rng, least):
    """(T, h, w, 3) of 32 to 150 pixels."""
    count = int(rng.integers(least, 24))
    height, width = rng.integers(16, 76, 2) * 2
    return rng.integers(0, 256, (count, height, width, 3), np.uint8)


def write_video(path, frames):
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 25,
                             frames.shape[2:0:-1])
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def write_folder(path, frames):
    os.makedirs(path, exist_ok=True)
    for name in os.listdir(path):
        os.remove(os.path.join(path, name))
    for i, frame in enumerate(frames):
        cv2.imwrite(os.path.join(path, f'{i}.jpg'), frame)
    return path


def random_video(rng, root, name, least=1):
    """An array, a file or a folder."""
    kind, frames = rng.integers(4), random_frames(rng, least)
    if kind == 0:
        return write_video(str(root / f'{name}.mp4'), frames)
    if kind == 1:
        return write_folder(str(root / f'{name}_frames'), frames)
    return frames


def random_features(rng, root, name):
    """A video long enough for a clip, or features in memory or a file."""
    kind = rng.integers(6)
    if kind == 0:
        return random_video(rng, root, name, 12)
    length = int(rng.integers(1, 300))
    features = rng.standard_normal((length, CHANNELS), np.float32)
    if kind < 3:
        np.save(root / f'{name}.npy', features)
        return str(root / f'{name}.npy')
    return features


CASES = dict(EVAD=(build_evad, random_video), TAL=(build_tal, random_features))


class Soak:
    """Calls of one inferencer with random inputs.

    Some inputs are kept, and come again at random moments: their answers
    must not change by a bit.
    """

    def __init__(self, kind, root, kept=8):
        build, self.draw = CASES[kind]
        self.call = partial(build(root), batch_size=2)
        self.root, self.rng = root, np.random.default_rng(0)
        self.known = [
            self.draw(self.rng, root, f'known_{i}') for i in range(kept)
        ]
        self.answers = [self.run(source) for source in self.known]
        self.repeated = 0

    def run(self, source, **kwargs):
        defaults = dict(fps=25., show_progress=False)
        return self.call(source, **dict(defaults, **kwargs))['predictions']

    def step(self, number):
        if self.rng.random() < .2:
            i = int(self.rng.integers(len(self.known)))
            assert self.run(self.known[i]) == self.answers[i], (number, i)
            self.repeated += 1
            return
        kwargs = {}
        if number % 10 == 0:  # pictures and videos are written, too
            kwargs.update(out_dir=str(self.root / 'out'), return_vis=True)
        if number % 25 == 0:
            kwargs.update(show_progress=True)
        source = self.draw(self.rng, self.root, 'one')
        prediction, = self.run(source, **kwargs)
        assert prediction.get('keyframes') or prediction['segments']


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize('kind', CASES)
def test_thirty_inferences_leave_nothing_behind(kind, tmp_path, one_thread):
    soak = Soak(kind, tmp_path, kept=3)
    for number in range(10):
        soak.step(number)
    before = holdings()
    for number in range(10, 30):
        soak.step(number)
    assert holdings() == before
    assert soak.repeated > 0


@pytest.mark.reliability
@pytest.mark.parametrize('kind', CASES)
def test_soak(kind, tmp_path, one_thread):
    """Memory after the warm-up and at the end, medians of some looks."""
    soak, looks, before = Soak(kind, tmp_path), [], None
    for number in range(RUNS):
        soak.step(number)
        if number >= WARM_UP * RUNS and number % max(1, RUNS // 100) == 0:
            before = before or holdings()
            looks.append((resident(), held()))
    assert holdings() == before
    part = max(1, len(looks) // 5)
    first, last = (np.median(x, 0) for x in (looks[:part], looks[-part:]))
    growth = 100 * (last / first - 1)
    print(
        f'\n{kind}: {RUNS} inferences, {soak.repeated} of them repeats with '
        f'the same answer; resident {first[0]:.1f} -> {last[0]:.1f} MiB '
        f'({growth[0]:+.2f} %), without what malloc keeps {first[1]:.1f} -> '
        f'{last[1]:.1f} MiB ({growth[1]:+.2f} %); {len(before.files)} files, '
        f'{before.tasks} threads and {before.children} children as before',
        file=sys.stderr)
    assert growth.max() < 2
