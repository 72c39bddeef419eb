# Copyright (c) mmevad authors. All rights reserved.
import hashlib
import os.path as osp

import pytest
from mmengine.config import Config

from mmevad.apis import find_model, zoo_models
from mmevad.apis.model_loading import load_model, open_device
from mmevad.utils.errors import CheckpointError, DataError
from .recognizers import SLOWONLY, make_config
from .small import CONFIG

SHIPPED = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb'
UNPUBLISHED = 'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature'


@pytest.mark.parametrize('name', [SHIPPED, f'{SHIPPED}.py'])
def test_a_name_gives_config_and_the_shipped_weights(name):
    config, weights = find_model(name)
    assert config.model.backbone.embed_dims == 128
    assert osp.basename(osp.dirname(weights)) == 'demo'
    with open(weights, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert f'-{digest[:8]}.pth' in zoo_models()[SHIPPED]['Weights']


def test_weights_that_are_not_here_are_the_zoos_address(monkeypatch):
    monkeypatch.setattr('mmevad.apis.model_zoo.glob', lambda pattern: [])
    _, weights = find_model(SHIPPED)
    assert weights == zoo_models()[SHIPPED]['Weights']


def test_unpublished_weights_say_how_to_get_them():
    with pytest.raises(CheckpointError) as error:
        find_model(UNPUBLISHED)
    assert f'no weights of {UNPUBLISHED}; give your own' in str(error.value)
    assert 'mim run mmevad converters:actionformer' in str(error.value)
    config, weights = find_model(UNPUBLISHED, 'own.pth')
    assert config.model.type == 'ActionFormer' and weights == 'own.pth'


def test_unknown_names_get_the_closest():
    with pytest.raises(DataError) as error:
        find_model('evad_vit-tiny-p16_1xb8-8x2x1_synth-actors')
    text = str(error.value)
    assert text.startswith('The model evad_vit-tiny-p16_1xb8-8x2x1_synth-')
    assert f'the closest names in the zoo are {SHIPPED}' in text
    with pytest.raises(DataError, match='closest names .* are evad_vit-tiny'):
        find_model('evad_vit-tiny')  # a part of configs, in _base_
    with pytest.raises(DataError, match=r'zzz does not exist, .*mim search'):
        find_model('zzz')
    with pytest.raises(DataError, match='The config a/no.py does not exist'):
        find_model('a/no.py')


def test_only_the_zoos_own_file_gets_the_zoos_weights(tmp_path):
    config, weights = find_model(CONFIG, 'a.pth')
    assert config.model.type == 'EVAD' and weights == 'a.pth'
    with pytest.raises(CheckpointError, match='zoo has no weights of'):
        find_model(CONFIG)
    path = tmp_path / f'{SHIPPED}.py'
    Config.fromfile(find_model(SHIPPED)[0].filename).dump(str(path))
    with pytest.raises(CheckpointError, match='which is not in the zoo'):
        find_model(str(path))
    path.write_text('model = dict(\n')
    with pytest.raises(DataError, match='cannot be read .SyntaxError'):
        find_model(str(path), 'a.pth')


def test_configs_are_taken_as_they_are_and_not_changed():
    config = make_config(SLOWONLY)
    for given in (config, config.to_dict()):
        found, weights = find_model(given, 'a.pth')
        assert found.to_dict() == config.to_dict() and weights == 'a.pth'
        found.model.pop('type')
        assert config.model.type == 'Recognizer3D'
        with pytest.raises(CheckpointError, match='weights must be given'):
            find_model(given)


def test_models_of_mmaction2():
    name = ('mmaction::recognition/slowonly/slowonly_imagenet-pretrained-r50_'
            '8xb16-4x16x1-steplr-150e_kinetics400-rgb')
    config, weights = find_model(name)
    assert config.model.backbone.type == 'ResNet3dSlowOnly'
    assert weights.startswith('https://download.openmmlab.com/mmaction/')
    assert find_model(f'{name}.py', 'a.pth')[1] == 'a.pth'
    with pytest.raises(DataError, match='The config mmaction::no does not'):
        find_model('mmaction::no')


def test_a_download_that_fails_says_so():
    url = 'http://127.0.0.1:9/a.pth'  # nobody listens there
    with pytest.raises(CheckpointError, match=f'cannot download .*{url}'):
        load_model({}, url, open_device('cpu'))


def test_the_device_is_found(monkeypatch):
    assert open_device('cpu').type == 'cpu'
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    assert open_device(None).type == 'cpu'
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.empty', lambda *args, device: None)
    assert open_device(None).type == 'cuda'
