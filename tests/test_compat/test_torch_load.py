# Copyright (c) mmevad authors. All rights reserved.
"""Training checkpoints are read; those that would run code are not."""
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleLR
from mmengine.utils import digit_version

from mmevad.compat.torch_load import load_checked

# what checks by itself, and what mmevad brings for older torch
LOADERS = [load_checked]
if digit_version(torch.__version__) >= digit_version('2.6.0'):
    LOADERS.append(torch.load)


def training_state():
    """What mmengine's runner stores beside the weights."""
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.)
    scheduler = OneCycleLR(optimizer, eta_max=1., total_steps=10)
    return dict(
        state_dict=dict(weight=torch.ones(2)),
        message_hub=dict(
            log_scalars=dict(loss=buffer),
            runtime_info=dict(
                best_score=np.float64(0.5),
                flag=np.bool_(True),
                names=np.array(['a', 'bc']),
                counts=np.arange(3))),
        param_schedulers=[scheduler.state_dict()])


@pytest.mark.parametrize('load', LOADERS)
def test_training_checkpoint_is_read(tmp_path, load):
    path = str(tmp_path / 'epoch_1.pth')
    torch.save(training_state(), path)
    found = load(path)
    info = found['message_hub']['runtime_info']
    assert found['message_hub']['log_scalars']['loss'].mean() == 2.0
    assert info['best_score'] == 0.5 and info['flag']
    assert info['names'].tolist() == ['a', 'bc']
    assert info['counts'].tolist() == [0, 1, 2]
    assert found['state_dict']['weight'].tolist() == [1, 1]
    assert callable(found['param_schedulers'][0]['anneal_func'])


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('other', ('numpy.core', 'numpy._core'))
def test_arrays_of_either_numpy_are_read(tmp_path, load, other, monkeypatch):
    # the name that the other major version of NumPy would have written
    module = f'{other}.multiarray'
    pytest.importorskip(module)
    path = tmp_path / 'other.pth'
    monkeypatch.setattr(np.array(0).__reduce__()[0], '__module__', module)
    torch.save(dict(array=np.arange(4.)), path)
    monkeypatch.undo()
    assert module.encode() in path.read_bytes()
    assert load(str(path))['array'].tolist() == [0, 1, 2, 3]


class RunsCode:

    def __reduce__(self):
        return os.mkdir, (self.folder, )


class ReadsAttribute:
    """A way around an allow-list that had plain ``getattr`` on it."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


@pytest.mark.parametrize('load', LOADERS)
def test_code_is_refused(tmp_path, load):
    foreign = RunsCode()
    foreign.folder = str(tmp_path / 'made_by_the_checkpoint')
    path = str(tmp_path / 'foreign.pth')
    torch.save(dict(state_dict={}, meta=foreign), path)
    with pytest.raises(pickle.UnpicklingError, match='mkdir'):
        load(path)
    assert not os.path.exists(foreign.folder)


@pytest.mark.parametrize('load', LOADERS)
def test_attributes_of_known_types_are_refused(tmp_path, load):
    path = str(tmp_path / 'foreign.pth')
    torch.save(dict(meta=ReadsAttribute()), path)
    with pytest.raises(pickle.UnpicklingError, match='__init__'):
        load(path)


def test_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        load_checked('nowhere.pth')
