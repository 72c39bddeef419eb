# Copyright (c) mmevad authors. All rights reserved.
"""Nothing asks for the network unless a user does.

Each command runs in a Python of its own whose sockets raise, and with a home
folder in which nothing was downloaded before.
"""
import os
import os.path as osp
import shutil
import subprocess
import sys

import numpy as np
import pytest

from mmevad.datasets.synth_actors.dataset import Settings, generate
from . import no_network, tiny

pytestmark = pytest.mark.reliability
ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
EVAD = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py'


@pytest.fixture
def offline(tmp_path):
    """Runs Python; returns its exit code, output and tries."""
    site = tmp_path / 'site'
    site.mkdir()
    shutil.copy(no_network.__file__, site / 'sitecustomize.py')
    home = tmp_path / 'home'
    home.mkdir()
    log = tmp_path / 'sockets'

    def run(*arguments):
        log.write_text('')
        environment = dict(
            os.environ,
            HOME=str(home),
            TORCH_HOME=str(home),
            MMENGINE_HOME=str(home),
            XDG_CACHE_HOME=str(home),
            OMP_NUM_THREADS='1',
            PYTHONPATH=f'{site}{os.pathsep}{ROOT}')
        environment[no_network.LOG] = str(log)
        done = subprocess.run([sys.executable, *arguments],
                              cwd=str(tmp_path),
                              env=environment,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              text=True)
        return done.returncode, done.stdout, log.read_text()

    return run


def good(result):
    code, output, tries = result
    assert code == 0, output[-3000:]
    assert tries == ''
    return output


def test_the_block_works(offline):
    code, output, tries = offline(
        '-c', 'import urllib.request as u; u.urlopen("http://localhost:9")')
    assert code and 'the network is off' in output and 'connect' in tries


def test_import(offline):
    good(
        offline(
            '-c', 'import mmevad, mmevad.apis, mmevad.models, '
            'mmevad.datasets, mmevad.evaluation, mmevad.engine'))


@pytest.mark.parametrize('make', [tiny.evad, tiny.actionformer])
def test_train_and_test(offline, make, tmp_path):
    config, *options = make(str(tmp_path))
    work_dir = str(tmp_path / 'work')
    options.append('train_cfg.max_epochs=1')
    good(
        offline(
            osp.join(ROOT, 'tools', 'train.py'), config, '--work-dir',
            work_dir, *options, 'default_hooks.logger.interval=1'))
    checkpoint = osp.join(work_dir, 'epoch_1.pth')
    assert osp.isfile(checkpoint)
    good(
        offline(
            osp.join(ROOT, 'tools', 'test.py'), config, checkpoint,
            '--work-dir', work_dir, *options))


def test_demos(offline, tmp_path):
    data = str(tmp_path / 'data')
    generate(Settings(data, videos=(1, 1, 1), seconds=2., workers=1))
    clip = osp.join(data, 'videos', 'test_000.mp4')
    good(
        offline(
            osp.join(ROOT, 'demo', 'evad_demo.py'), clip, '--config',
            osp.join(ROOT, 'configs', 'evad', EVAD), '--weights',
            osp.join(ROOT, 'demo', 'evad_synth_actors.pth'), '--out-dir',
            str(tmp_path / 'evad')))
    from tests.test_apis.tal import make_tal_config, write_tal_weights
    make_tal_config().dump(str(tmp_path / 'tal.py'))
    weights = write_tal_weights(tmp_path / 'tal.pth', make_tal_config())
    np.save(tmp_path / 'v.npy', np.ones((40, 32), np.float32))
    good(
        offline(
            osp.join(ROOT, 'demo',
                     'tal_demo.py'), str(tmp_path / 'v.npy'), '--config',
            str(tmp_path / 'tal.py'), '--weights', weights, '--fps', '25',
            '--out-dir', str(tmp_path / 'tal')))


def test_who_asks_for_the_network_is_told(offline):
    address = 'http://nowhere.invalid/a.pth'
    code, output, tries = offline(
        '-c', 'import mmevad; from mmevad.apis import EVADInferencer; '
        f'EVADInferencer({EVAD[:-3]!r}, {address!r}, device="cpu")')
    assert code and tries
    assert f'cannot download the checkpoint {address}' in output
    assert 'check the network, or give a file as weights' in output
