"""Stripping a checkpoint."""
import importlib.util
from pathlib import Path

import pytest
import torch

path = Path(__file__).parents[2] / 'tools/misc/publish_model.py'
spec = importlib.util.spec_from_file_location('publish_model', path)
publish_model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(publish_model)


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
            meta=dict(
                cfg='work_dir = "/somewhere"',
                epoch=3,
                dataset_meta=dict(classes=('a', )))), source)
    publish_model.main([str(source), str(target)] + ['--half'] * half)
    found = torch.load(target, weights_only=True)
    assert set(found) == {'state_dict', 'meta'}
    assert found['meta'] == dict(dataset_meta=dict(classes=('a', )))
    dtype = torch.float16 if half else torch.float32
    assert torch.equal(found['state_dict']['fc.weight'], weight.to(dtype))
    assert found['state_dict']['steps'].dtype == torch.int64


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
