# Copyright (c) mmevad authors. All rights reserved.
"""The model zoo: every entry has weights, or says how to get them."""
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import yaml

import mmevad  # noqa: F401  isort: skip
from mmevad.utils.errors import DataError
from mmevad.utils.zoo import (NOT_PUBLISHED, find_config, metafiles, point_to,
                              zoo_url)
from ..test_converters.tools import ROOT, load_tool

FILE = re.compile(r'(.+)_\d{8}-([0-9a-f]{8})\.pth')
SHIPPED = {
    'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb':
    ROOT / 'demo/evad_synth_actors.pth',
    'actionformer_evad-vit-tiny_1xb8-80x2x1-40e_synth-actors-rgb':
    ROOT / 'demo/actionformer_synth_actors.pth'
}


def entries(root=ROOT):
    models = []
    for path in metafiles(str(root)):
        models += yaml.safe_load(Path(path).read_text())['Models']
    return {model['Name']: model for model in models}


ENTRIES = entries()


def published(models=ENTRIES):
    return {
        name: model['Weights']
        for name, model in models.items()
        if not model['Weights'].startswith(NOT_PUBLISHED)
    }


@pytest.mark.parametrize('name', ENTRIES)
def test_entry_has_weights_or_says_how_to_get_them(name):
    model = ENTRIES[name]
    assert Path(model['Config']).stem == name
    assert (ROOT / model['Config']).is_file()
    weights = model['Weights']
    assert isinstance(weights, str)
    assert ',' not in weights  # where mim splits
    if not weights.startswith(NOT_PUBLISHED):
        base, _, file = weights.rpartition('/')
        assert f'{base}/' == zoo_url(str(ROOT))
        assert FILE.fullmatch(file)[1] == name
        return
    command = shlex.split(weights[len(NOT_PUBLISHED):])
    assert command[0] == 'mim' and command[2] == 'mmevad'
    if command[1] == 'train':
        assert command[3] == f'{name}.py'
    else:
        assert command[1] == 'run'
        folder, tool = command[3].split(':')
        assert folder == 'converters'
        assert (ROOT / 'tools' / folder / f'{tool}.py').is_file()
        assert command[4:] == ['RELEASED', 'OUT.pth', '--config', name]
        assert model['Converted From']['Code'].startswith('https://')


@pytest.mark.parametrize('name', SHIPPED)
def test_shipped_checkpoint_is_the_published_one(name):
    digest = hashlib.sha256(SHIPPED[name].read_bytes()).hexdigest()
    assert FILE.fullmatch(published()[name].split('/')[-1])[2] == digest[:8]


def copy_of_zoo(folder, url):
    """configs and model-index.yml, moved to another address."""
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    index = (ROOT / 'model-index.yml').read_text()
    index = index.replace(f'Zoo: {zoo_url(str(ROOT))}', f'Zoo: {url}')
    (folder / 'model-index.yml').write_text(index)
    load_tool('misc/zoo_url.py').main(['--root', str(folder)])
    return folder


def test_one_line_moves_the_zoo(tmp_path):
    url = 'http://127.0.0.1:8000/a/b/'
    root = copy_of_zoo(tmp_path, url)
    moved = entries(root)
    before, after = published(), published(moved)
    assert before and before.keys() == after.keys()
    for name, weights in before.items():
        assert after[name] == url + weights.rpartition('/')[2]
    # and nothing else
    assert moved.keys() == ENTRIES.keys()
    for name, model in moved.items():
        assert dict(model, Weights='') == dict(ENTRIES[name], Weights='')


def test_point_to():
    text = ('    Weights: http://a.b/c/d.pth\n    Code: https://a.b/c\n'
            f"    Weights: '{NOT_PUBLISHED}mim train'\n")
    assert point_to(text,
                    'https://x/') == text.replace('http://a.b/c/',
                                                  'https://x/')


@pytest.mark.parametrize(
    'line', ['', 'Zoo: https://a.b/c', 'Zoo: a/', 'Zoo: https://a/\n' * 2])
def test_no_address(tmp_path, line, capsys):
    (tmp_path / 'model-index.yml').write_text(line)
    with pytest.raises(SystemExit):
        load_tool('misc/zoo_url.py').main(['--root', str(tmp_path)])
    assert 'needs one line "Zoo: https://.../"' in capsys.readouterr().err


def test_configs_are_found_by_name():
    for name, model in ENTRIES.items():
        for form in (name, f'{name}.py', str(ROOT / model['Config'])):
            assert Path(find_config(form)).samefile(ROOT / model['Config'])
    for name in ('nowhere', 'configs/nowhere.py', ''):
        with pytest.raises(DataError, match='There is no config'):
            find_config(name)


class Quiet(SimpleHTTPRequestHandler):

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """(folder, address) of a server on this machine."""
    folder = tmp_path_factory.mktemp('server')
    handler = partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def site(tmp_path_factory, server):
    """A folder for PYTHONPATH in which mmevad looks installed, with the zoo
    on the server."""
    site = tmp_path_factory.mktemp('site')
    ignored = shutil.ignore_patterns('.mim', '__pycache__')
    shutil.copytree(ROOT / 'mmevad', site / 'mmevad', ignore=ignored)
    info = site / f'mmevad-{mmevad.__version__}.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmevad\n'
                                   f'Version: {mmevad.__version__}\n')
    (info / 'top_level.txt').write_text('mmevad\n')
    (site / 'mmevad/.mim').mkdir()
    copy_of_zoo(site / 'mmevad/.mim', f'{server[1]}/zoo/')
    return site


def mim(site, *arguments, **kwargs):
    code = 'import sys; from mim.cli import cli; sys.argv[0] = "mim"; cli()'
    env = dict(
        os.environ,
        PYTHONPATH=str(site),
        PYTHONWARNINGS='ignore',
        NO_PROXY='127.0.0.1')
    return subprocess.run([sys.executable, '-c', code, *map(str, arguments)],
                          capture_output=True,
                          text=True,
                          env=env,
                          **kwargs)


@pytest.mark.slow
def test_mim_search_lists_all_entries(site, tmp_path):
    file = tmp_path / 'found.json'
    out = mim(site, 'search', 'mmevad', '--json', file, cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    found = json.loads(file.read_text())
    assert set(found['config']) == set(ENTRIES)
    assert found['weight'] == {
        name: model['Weights']
        for name, model in entries(site / 'mmevad/.mim').items()
    }


@pytest.mark.slow
def test_mim_downloads_what_is_published(site, server, tmp_path):
    weights_of = published(entries(site / 'mmevad/.mim'))
    (server[0] / 'zoo').mkdir()
    for i, (name, weights) in enumerate(weights_of.items()):
        checkpoint = dict(state_dict=dict(weight=torch.full((3, ), i)))
        file = weights.rpartition('/')[2]
        torch.save(checkpoint, server[0] / 'zoo' / file)
    out = mim(
        site,
        'download',
        'mmevad',
        '--config',
        *weights_of,
        '--dest',
        'new',
        cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    for name, weights in weights_of.items():
        file = weights.rpartition('/')[2]
        assert (tmp_path / 'new' / file).read_bytes() == (server[0] / 'zoo' /
                                                          file).read_bytes()
        assert (tmp_path / 'new' / f'{name}.py').is_file()


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['converters:evad', 'train'])
def test_mim_says_how_to_get_the_others(site, tmp_path, kind):
    name, text = next((name, model['Weights'])
                      for name, model in ENTRIES.items()
                      if f'{NOT_PUBLISHED}mim' in model['Weights']
                      and kind in model['Weights'])
    out = mim(
        site, 'download', 'mmevad', '--config', name, '--dest', 'new',
        cwd=tmp_path)  # yapf: disable
    assert out.returncode != 0
    assert f"No connection adapters were found for '{text}'" in out.stderr
    assert list((tmp_path / 'new').iterdir()) == []
