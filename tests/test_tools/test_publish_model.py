"""Stripping a checkpoint and naming it for the zoo."""
import hashlib
import re

import pytest
import torch

from mmevad.utils.zoo import zoo_root, zoo_url
from ..test_converters.tools import ROOT, load_tool
from ..toy import ToyModel

publish_model = load_tool('misc/publish_model.py')
CONFIG = str(ROOT / 'tests/data/toy_config.py')
META = dict(
    cfg='work_dir = "/somewhere"',
    epoch=3,
    experiment_name='toy_config_20300102_112233',
    time='20300103_010203',
    dataset_meta=dict(classes=('a', )))


@pytest.mark.parametrize('half', [False, True])
def test_only_weights_and_classes_stay(tmp_path, half):
    weight = torch.randn(3, 2)
    source, target = tmp_path / 'a.pth', tmp_path / 'b.pth'
    torch.save(
        dict(
            state_dict={
                'module.fc.weight': weight,
                'module.steps': torch.tensor(7)
            },
            optimizer=dict(state={}),
            meta=META), source)
    publish_model.main([str(source), str(target)] + ['--half'] * half)
    found = torch.load(target, weights_only=True)
    assert set(found) == {'state_dict', 'meta'}
    assert found['meta'] == dict(dataset_meta=dict(classes=('a', )))
    dtype = torch.float16 if half else torch.float32
    assert torch.equal(found['state_dict']['fc.weight'], weight.to(dtype))
    assert found['state_dict']['steps'].dtype == torch.int64


def test_what_converted_weights_require_stays(tmp_path):
    meta = dict(
        config='toy',
        converted_from=dict(file='official.pyth', weights='model'),
        requires={'context_decoder.token_order': 'importance'})
    source, target = tmp_path / 'a.pth', tmp_path / 'b.pth'
    torch.save(dict(state_dict=dict(a=torch.ones(1)), meta=meta), source)
    publish_model.main([str(source), str(target)])
    found = torch.load(target, weights_only=True)['meta']
    assert found == dict(meta, dataset_meta={})


def test_a_view_does_not_bring_what_it_is_of(tmp_path):
    source, target = tmp_path / 'a.pth', tmp_path / 'b.pth'
    torch.save(dict(state_dict=dict(a=torch.ones(100_000)[:10])), source)
    assert source.stat().st_size > 400_000
    publish_model.main([str(source), str(target)])
    assert target.stat().st_size < 4000
    assert torch.load(target)['state_dict']['a'].tolist() == [1.] * 10


def test_compressed_files_are_smaller_and_the_same(tmp_path):
    state = {'fc.weight': 0.05 * torch.randn(200, 300)}
    source = tmp_path / 'a.pth'
    torch.save(dict(state_dict=state), source)
    sizes, loaded = [], []
    for name in ('plain', '--compress'):
        target = tmp_path / f'{name}.pth'
        flags = ['--half'] + [name] * name.startswith('--')
        publish_model.main([str(source), str(target), *flags])
        sizes.append(target.stat().st_size)
        loaded.append(torch.load(target, weights_only=True)['state_dict'])
    assert sizes[1] < 0.96 * sizes[0]
    assert torch.equal(loaded[0]['fc.weight'], loaded[1]['fc.weight'])


@pytest.fixture
def checkpoint(tmp_path):
    """Of the toy model, as mmengine saves it."""
    path = tmp_path / 'epoch_3.pth'
    state = ToyModel().state_dict()
    torch.save(dict(state_dict=state, meta=META, optimizer={}), path)
    return path


@pytest.mark.parametrize('flags', [[], ['--half', '--compress']])
def test_zoo_name_is_config_day_and_hash(checkpoint, tmp_path, capsys,
                                         monkeypatch, flags):
    zoo = tmp_path / 'zoo'
    args = [str(checkpoint), str(zoo), '--config', CONFIG, *flags]
    publish_model.main(args)
    file, = zoo.iterdir()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert file.name == f'toy_config_20300103-{digest[:8]}.pth'
    line = f'    Weights: {zoo_url(zoo_root())}{file.name}\n'
    assert capsys.readouterr().out.endswith(line)
    # the same again, from a file of another name and at another time
    monkeypatch.setattr('time.time', lambda: 2e9)
    other = tmp_path / 'best_of_all.pth'
    checkpoint.rename(other)
    publish_model.main([str(other), *args[1:]])
    assert list(zoo.iterdir()) == [file]
    # other weights, another name
    state = {k: v + 1 for k, v in torch.load(file)['state_dict'].items()}
    torch.save(dict(state_dict=state, meta=META), other)
    publish_model.main([str(other), *args[1:], '--date', '20300104'])
    assert len(list(zoo.iterdir())) == 2
    assert [f.name for f in zoo.glob('toy_config_20300104-????????.pth')]


def refusal(capsys, *args):
    with pytest.raises(SystemExit) as error:
        publish_model.main([str(arg) for arg in args])
    assert error.value.code == 1
    return capsys.readouterr().err


def test_what_a_name_needs(checkpoint, tmp_path, capsys):
    zoo = tmp_path / 'zoo'
    # the config that mmengine noted is not one of the zoo
    assert 'There is no config toy_config' in refusal(capsys, checkpoint, zoo)
    bare = tmp_path / 'bare.pth'
    torch.save(ToyModel().state_dict(), bare)
    found = refusal(capsys, bare, zoo)
    assert 'does not say which config it is of; give --config' in found
    for date in ([], ['--date', 'today']):
        found = refusal(capsys, bare, zoo, '--config', CONFIG, *date)
        assert re.search("the day .* is '(today)?'; give --date", found)
    other = 'actionformer_raw-d128_1xb2-2304x25x1-65e_sbhar-accelerometer'
    found = refusal(capsys, checkpoint, zoo, '--config', other)
    assert 'is not a checkpoint of the model ActionFormer' in found
    assert not zoo.exists()


def test_unreadable_files(tmp_path, capsys):
    found = refusal(capsys, tmp_path / 'no.pth', tmp_path)
    assert 'no.pth: there is no such file' in found
    path = tmp_path / 'list.pth'
    torch.save([1], path)
    assert 'holds no weights' in refusal(capsys, path, tmp_path)
