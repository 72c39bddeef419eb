# Copyright (c) mmevad authors. All rights reserved.
"""EVAD with sharded weights: FSDP, started by mmengine's FlexibleRunner."""
import json
import sys

import pytest

from . import recorder, tiny, training  # noqa: F401, recorder registers

pytestmark = pytest.mark.reliability
# on the CPU, PyTorch 2.13 ends with a segmentation fault when it gathers the
# weights of FullyShardedDataParallel: no checkpoint is saved
STRATEGY = [
    'runner_type=FlexibleRunner', 'strategy.type=FSDPStrategy',
    'strategy.model_wrapper.type=MMFullyShardedDataParallel',
    'strategy.model_wrapper.device_id=cpu',
    'default_hooks.checkpoint.interval=-1',
    'default_hooks.checkpoint.save_last=False'
]


def test_fsdp_trains_as_one_process(tmp_path):
    # clipping would go by the norm of each process's part
    arguments = tiny.evad(
        str(tmp_path),
        train_dataloader__dataset__indices=30,
        train_cfg__max_epochs=2,
        optim_wrapper__optimizer__lr=1e-5,
        optim_wrapper__clip_grad=None,
        val_cfg=None,
        val_dataloader=None,
        val_evaluator=None,
        default_hooks__recorder__type='LossRecorder')
    curves = []
    for processes, options in ((1, []), (2, STRATEGY)):
        path = tmp_path / f'{processes}.json'
        training.run([
            *arguments, *options, f'default_hooks.recorder.path={path}',
            f'train_dataloader.batch_size={6 // processes}', '--work-dir',
            str(tmp_path / str(processes))
        ],
                     str(tmp_path / f'{processes}.log'),
                     processes=processes)
        curves.append(json.loads(path.read_text())['loss'])
    one, two = curves
    assert len(one) == len(two) == 10
    worst = max(abs(x - y) / abs(x) for x, y in zip(one, two))
    print(
        f'FSDP: {len(two)} iterations, loss {two[0]:.4f} to {two[-1]:.4f}, '
        f'at most {worst:.1e} from one process',
        file=sys.stderr)
    assert worst < 1e-5
