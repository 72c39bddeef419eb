# Copyright (c) mmevad authors. All rights reserved.
"""tools/train.py and tools/test.py, run in this process on a toy model."""
import os.path as osp
import runpy
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmevad.utils.safe_pickle import safe_pickle_loads

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
CONFIG = osp.join(ROOT, 'tests', 'data', 'toy_config.py')


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Run a script of tools/ with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv('LOCAL_RANK', '0')

    def run(name, *arguments):
        # without it a second runner would log into the first one's file
        MMLogger._instance_dict.clear()
        path = osp.join(ROOT, 'tools', f'{name}.py')
        monkeypatch.setattr(sys, 'argv', [path, *map(str, arguments)])
        runpy.run_path(path, run_name='__main__')

    return run


def value_in(path):
    return torch.load(path)['state_dict']['value'].item()


def test_train_resume_test(tool, tmp_path, capfd):
    work = tmp_path / 'work'
    tool('train', CONFIG, '--work-dir', work, '--seed', '1', '--local-rank=0')
    first = value_in(work / 'epoch_1.pth')
    assert 0 < first < 3
    assert Config.fromfile(str(work / 'toy_config.py')).randomness.seed == 1

    # resumes weights, optimiser, scheduler and log buffers
    tool('train', CONFIG, '--work-dir', work, '--resume', '--cfg-options',
         'train_cfg.max_epochs=2')
    second = value_in(work / 'epoch_2.pth')
    assert first < second < 3
    assert torch.load(work / 'epoch_2.pth')['meta']['iter'] == 4

    capfd.readouterr()
    tool('test', CONFIG, work / 'epoch_2.pth', '--work-dir', work, '--dump',
         tmp_path / 'out.pkl')
    assert f'toy/value: {second:.4f}' in ''.join(capfd.readouterr())
    assert safe_pickle_loads((tmp_path / 'out.pkl').read_bytes(),
                             'out.pkl') == [pytest.approx(second)] * 4


def test_a_dump_that_cannot_be_written_ends_before_the_test(
        tool, tmp_path, capfd):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict=dict(value=torch.ones(1))), path)
    with pytest.raises(
            SystemExit, match=r'x.pkl cannot be written \(Is a directory\)'):
        (tmp_path / 'x.pkl').mkdir()
        tool('test', CONFIG, path, '--dump', tmp_path / 'x.pkl')
    assert 'Load checkpoint' not in ''.join(capfd.readouterr())


def test_a_foreign_checkpoint_is_an_error(tool, tmp_path):
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict=dict(other=torch.ones(1))), path)
    with pytest.raises(
            SystemExit,
            match=r'foreign.pth is not a checkpoint of '
            r'the model ToyModel.*1 missing \(value\)'):
        tool('test', CONFIG, path)
    with pytest.raises(SystemExit, match='no weight in common'):
        tool('train', CONFIG, '--cfg-options', f'load_from={path}')


@pytest.mark.parametrize('name, arguments, sentence', [
    ('train', ('nope.py', ), "config 'nope.py' does not exist"),
    ('test', ('nope.py', 'nope.pth'), "config 'nope.py' does not exist"),
    ('test', (CONFIG, 'nope.pth'), "checkpoint 'nope.pth' does not exist"),
    ('train',
     (CONFIG, '--resume', 'nope.pth'), "checkpoint 'nope.pth' does not exist"),
    ('train', (CONFIG, '--cfg-options', 'load_from=nope.pth'),
     "checkpoint 'nope.pth' does not exist"),
    ('train', (CONFIG, '--auto-scale-lr'), 'base_batch_size'),
    ('train', (CONFIG, '--amp', '--cfg-options',
               'optim_wrapper.type=ApexOptimWrapper'), 'ApexOptimWrapper'),
    ('test', (CONFIG, CONFIG, '--show-dir', 'x'), 'visualization'),
    ('test', (CONFIG, CONFIG, '--dump', 'x.json'), 'must end in .pkl'),
])
def test_wrong_arguments_are_one_sentence(tool, name, arguments, sentence):
    with pytest.raises(SystemExit) as error:
        tool(name, *arguments)
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('flag', ('--local_rank=3', '--local-rank=3'))
def test_rank_of_the_deprecated_launcher(tool, monkeypatch, flag):
    import os
    monkeypatch.delenv('LOCAL_RANK')
    with pytest.raises(SystemExit, match='base_batch_size'):
        tool('train', CONFIG, flag, '--auto-scale-lr')
    assert os.environ['LOCAL_RANK'] == '3'
