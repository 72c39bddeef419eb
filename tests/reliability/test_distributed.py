# Copyright (c) mmevad authors. All rights reserved.
"""Two processes train and test as one does with the same batches."""
import glob
import json
import os
import os.path as osp
import subprocess
import sys

import pytest

from . import recorder, tiny, training  # noqa: F401, recorder registers

pytestmark = pytest.mark.reliability
CHECKPOINT = osp.join(training.ROOT, 'demo', 'evad_synth_actors.pth')
BATCH = dict(evad=6, actionformer=4)
# with Adam, rounding errors of a gradient that is almost 0 move its weight by
# as much as any gradient, so that curves of the same training part
OPTIONS = dict(
    evad=dict(
        train_dataloader__dataset__indices=30,
        train_cfg__max_epochs=2,
        optim_wrapper__optimizer__lr=1e-5),
    actionformer=dict(
        train_cfg__max_epochs=6,
        optim_wrapper__optimizer__type='SGD',
        optim_wrapper__optimizer__lr=1e-2))
NO_VALIDATION = ('val_cfg=None', 'val_dataloader=None', 'val_evaluator=None')


def recorded(folder, processes):
    """Options to train without validation, and to write the curve."""
    name = osp.basename(folder)
    return [
        f'train_dataloader.batch_size={BATCH[name] // processes}',
        *NO_VALIDATION, 'default_hooks.recorder.type=LossRecorder',
        f'default_hooks.recorder.path={folder}/{processes}.json'
    ]


def curves_of(folder, processes):
    with open(osp.join(folder, f'{processes}.json')) as file:
        return json.load(file)


def largest_difference(one, other):
    """Relative, of all terms; both have the same terms and length."""
    assert {k: len(v) for k, v in one.items()} == \
        {k: len(v) for k, v in other.items()}
    return max(
        abs(x - y) / max(abs(x), abs(y), 1e-12) for name in one
        for x, y in zip(one[name], other[name]))


@pytest.fixture(scope='module', params=['evad', 'actionformer'])
def trained(request, tmp_path_factory):
    """Folder named after the model, arguments, trained with 1 and 2."""
    folder = str(tmp_path_factory.mktemp('runs') / request.param)
    arguments = getattr(tiny, request.param)(folder, **OPTIONS[request.param])
    for processes in (1, 2):
        training.run([
            *arguments, *recorded(folder, processes), '--work-dir',
            f'{folder}/{processes}'
        ],
                     f'{folder}/{processes}.log',
                     processes=processes)
    return folder, arguments


def test_same_losses_and_weights(trained):
    folder, _ = trained
    one, two = [curves_of(folder, processes) for processes in (1, 2)]
    difference = largest_difference(one, two)
    print(
        f'{osp.basename(folder)}: {len(one["loss"])} iterations, loss '
        f'{one["loss"][0]:.4f} to {one["loss"][-1]:.4f}, 1 and 2 processes '
        f'differ by at most {difference:.1e}',
        file=sys.stderr)
    assert len(one['loss']) >= 10
    assert len(set(one['loss'])) == len(one['loss'])  # something is learned
    assert difference < 1e-5
    states = [training.final_state(f'{folder}/{n}')[1] for n in (1, 2)]
    weights = [state['state_dict'] for state in states]
    assert weights[0].keys() == weights[1].keys()
    worst = max((value - weights[1][name]).abs().max().item()
                for name, value in weights[0].items())
    assert worst < 1e-5


def metrics_of(work_dir):
    """Of the only test in a folder, with all digits."""
    path, = glob.glob(osp.join(work_dir, '*', '*.json'))
    with open(path) as file:
        found = json.load(file)
    return {k: v for k, v in found.items() if not k.endswith('time')}


def test_same_evaluation(trained):
    """Seven keyframes, or three videos: not to be divided by two."""
    folder, arguments = trained
    checkpoint, options = CHECKPOINT, ['test_dataloader.dataset.indices=7']
    if folder.endswith('actionformer'):
        checkpoint, options = f'{folder}/recipe/epoch_20.pth', []
        training.run([
            arguments[0], '--cfg-options', *[
                option for option in arguments[2:]
                if not option.startswith('optim_wrapper')
            ], *NO_VALIDATION, 'train_cfg.max_epochs=20', '--work-dir',
            f'{folder}/recipe'
        ], f'{folder}/recipe.log')
    found = []
    for processes in (1, 2):
        work_dir = f'{folder}/test{processes}'
        training.run([
            arguments[0], checkpoint, *arguments[1:], *options, '--work-dir',
            work_dir
        ],
                     work_dir + '.log',
                     script='test',
                     processes=processes)
        found.append(metrics_of(work_dir))
    assert repr(found[0]) == repr(found[1])
    best = max(value for value in found[0].values() if value is not None)
    assert best > 0.01
    print(
        f'{osp.basename(folder)}: {len(found[0])} metrics are the same to '
        f'the last digit, the largest is {best!r}',
        file=sys.stderr)


def check_launched(command, folder, environment=()):
    """Run a command of two processes, compare its curve."""
    before = curves_of(folder, 2)
    os.remove(osp.join(folder, '2.json'))
    bin_folder = osp.dirname(sys.executable)
    done = subprocess.run(
        list(map(str, command)),
        cwd=training.ROOT,
        capture_output=True,
        text=True,
        env={
            **os.environ, 'PYTHONPATH': training.ROOT,
            'PYTHONWARNINGS': 'ignore',
            'OMP_NUM_THREADS': '1',
            'PATH': f'{bin_folder}:{os.environ["PATH"]}',
            **dict(environment)
        })
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert largest_difference(before, curves_of(folder, 2)) < 1e-6


@pytest.mark.parametrize('launcher', ['torchrun', 'mim', 'slurm'])
def test_launchers(trained, launcher, tmp_path):
    """The same curve, whatever starts the two processes."""
    folder, arguments = trained
    config, environment = tmp_path / 'launched.py', {}
    config.write_text(
        f'_base_ = {arguments[0]!r}\n'
        "custom_imports = dict(imports=['mmevad', "
        "'tests.reliability.recorder'], allow_failed_imports=False)\n")
    rest = [
        '--work-dir', tmp_path / 'work', *arguments[1:], *recorded(folder, 2)
    ]
    if launcher == 'torchrun':
        command = ['bash', 'tools/dist_train.sh', config, 2, *rest]
        environment['PORT'] = training.free_port()
    elif launcher == 'mim':
        command = [
            'mim', 'train', 'mmevad', config, '--launcher', 'pytorch',
            '--gpus', 2, '--port',
            training.free_port(), *rest
        ]
    else:
        environment = fake_slurm(tmp_path)
        command = [
            'bash', 'tools/slurm_train.sh', 'a_partition', 'a_job', config,
            *rest
        ]
    check_launched(command, folder, {
        k: str(v)
        for k, v in environment.items()
    })
    if launcher == 'slurm':
        given = (tmp_path / 'srun.txt').read_text().split('\n')
        assert given[:6] == [
            '--partition=a_partition', '--job-name=a_job', '--gres=gpu:2',
            '--ntasks=2', '--ntasks-per-node=2', '--cpus-per-task=1'
        ]
        assert '--kill-on-bad-exit=1' in given and '--exclusive' in given


SRUN = '''#!/usr/bin/env bash
# starts as many tasks as asked for, on this machine
printf '%s\\n' "$@" > {folder}/srun.txt
while [[ $1 == --* ]]; do
    case $1 in --ntasks=*) tasks=${{1#*=}} ;; esac
    shift
done
export SLURM_NTASKS=$tasks SLURM_NODELIST=a_node
for ((task = 1; task < tasks; task++)); do
    SLURM_PROCID=$task SLURM_LOCALID=$task "$@" &
done
SLURM_PROCID=0 SLURM_LOCALID=0 "$@" && wait
'''
SCONTROL = '''#!/usr/bin/env bash
[[ $* == 'show hostname a_node' ]] && echo 127.0.0.1
'''


def fake_slurm(folder):
    """Variables with which srun starts processes here."""
    for name, text in dict(srun=SRUN, scontrol=SCONTROL).items():
        path = folder / 'bin' / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(folder=folder) if name == 'srun' else text)
        path.chmod(0o755)
    return dict(
        PATH=f'{path.parent}:{osp.dirname(sys.executable)}:'
        f'{os.environ["PATH"]}',
        MASTER_PORT=training.free_port(),
        GPUS=2,
        GPUS_PER_NODE=2,
        CPUS_PER_TASK=1,
        SRUN_ARGS='--exclusive --mem=0')
