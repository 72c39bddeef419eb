# Copyright (c) mmevad authors. All rights reserved.
"""mim finds mmevad's folder, for the wheel and for the editable install."""
import json
import os
import os.path as osp
import shutil
import subprocess
import sys
import sysconfig

import pytest

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
LEFT_OUT = {'.git', '.venv', 'data', 'build', 'outputs', 'work_dirs'}

pytestmark = pytest.mark.slow


def not_copied(folder, names):
    made = {name for name in names if name in ('.mim', '__pycache__')}
    return made | (LEFT_OUT if folder == ROOT else set())


def run(*command, **kwargs):
    env = {**os.environ, 'PYTHONWARNINGS': 'ignore'}
    return subprocess.run(
        list(map(str, command)),
        check=kwargs.pop('check', True),
        capture_output=True,
        text=True,
        env=env,
        **kwargs)


@pytest.fixture(scope='module', params=('wheel', 'editable'))
def installed(request, tmp_path_factory):
    """(python, source folder) of an environment with mmevad installed.

    The source folder has a space in its name. Everything else comes from the
    environment of this test.
    """
    folder = tmp_path_factory.mktemp(request.param)
    source = folder / 'a copy'
    shutil.copytree(ROOT, source, ignore=not_copied)
    run(sys.executable, '-m', 'venv', folder / 'venv')
    python = folder / 'venv' / 'bin' / 'python'
    target = run(python, '-c', 'import sysconfig; '
                 'print(sysconfig.get_path("purelib"))').stdout.strip()
    here = sysconfig.get_path('purelib')
    # a path file comes after the environment's own packages
    with open(osp.join(target, 'zz_of_the_test.pth'), 'w') as file:
        file.write(here + '\n')
    flags = ['-e'] if request.param == 'editable' else []
    run(python, '-m', 'pip', 'install', '--no-deps', '--no-build-isolation',
        *flags, source)
    return python, source


def mim(python, *arguments, **kwargs):
    code = 'import sys; from mim.cli import cli; sys.argv[0] = "mim"; cli()'
    return run(python, '-c', code, *arguments, **kwargs)


def test_mim_folder_holds_what_mim_looks_for(installed):
    python, source = installed
    code = ('from mim.utils import get_installed_path; '
            'print(get_installed_path("mmevad"))')
    folder = run(python, '-c', code, cwd='/').stdout.strip()
    for name in ('configs', 'tools'):
        for where, _, files in os.walk(osp.join(ROOT, name)):
            for file in files:
                if file.endswith(('.py', '.sh', '.yml')):
                    relative = osp.relpath(osp.join(where, file), ROOT)
                    assert osp.isfile(osp.join(folder, '.mim', relative))
    assert osp.isfile(osp.join(folder, '.mim', 'model-index.yml'))


def test_mim_search_lists_every_model(installed, tmp_path):
    python, source = installed
    found = tmp_path / 'found.json'
    mim(python, 'search', 'mmevad', '--json', found, cwd=tmp_path)
    with open(found) as file:
        configs = json.load(file)['config']
    assert configs
    for config in configs.values():
        assert osp.isfile(osp.join(ROOT, config))


def test_mim_test_and_train_find_config_and_script(installed, tmp_path):
    python, _ = installed
    config = next(
        name for name in os.listdir(osp.join(ROOT, 'configs/evad'))
        if name.endswith('.py'))
    out = mim(
        python,
        'test',
        'mmevad',
        config,
        '--checkpoint',
        'nope.pth',
        cwd=tmp_path,
        check=False)
    assert "checkpoint 'nope.pth' does not exist" in out.stderr
    out = mim(
        python,
        'train',
        'mmevad',
        config,
        '--resume',
        'nope.pth',
        cwd=tmp_path,
        check=False)
    assert "checkpoint 'nope.pth' does not exist" in out.stderr


@pytest.mark.parametrize('launcher', ('none', 'pytorch'))
def test_mim_train_trains(installed, tmp_path, monkeypatch, launcher):
    python, source = installed
    # the toy model alone: mmevad itself must come from the installation
    for name in ('__init__.py', 'toy.py', 'data/toy_config.py'):
        os.makedirs(osp.dirname(tmp_path / 'tests' / name), exist_ok=True)
        shutil.copy(source / 'tests' / name, tmp_path / 'tests' / name)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    mim(python,
        'train',
        'mmevad',
        'tests/data/toy_config.py',
        '--gpus',
        2,
        '--launcher',
        launcher,
        '--work-dir',
        'work',
        cwd=tmp_path)
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()


def test_mim_run_runs_a_script_of_tools(installed, tmp_path):
    python, _ = installed
    out = mim(
        python,
        'run',
        'mmevad',
        'test',
        'nope.py',
        'nope.pth',
        cwd=tmp_path,
        check=False)
    assert "config 'nope.py' does not exist" in out.stderr


def test_table_is_printed(installed, tmp_path):
    python, _ = installed
    out = run(python, '-m', 'mmevad.compat', cwd=tmp_path).stdout
    assert 'mmaction.models.localizers.drn is missing' in out
