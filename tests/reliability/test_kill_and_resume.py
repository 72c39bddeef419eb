# Copyright (c) mmevad authors. All rights reserved.
"""A killed and resumed training ends with the weights of an undisturbed one.

``make test-reliability``, or with other numbers
``MMEVAD_KILLS=50 pytest tests/reliability -m reliability``.
"""
import os
import sys
import time

import pytest

from . import tiny, training

pytestmark = pytest.mark.reliability
KILLS = int(os.environ.get('MMEVAD_KILLS', 20))
# most kills let an epoch pass, few let two
EPOCHS = KILLS + 10


@pytest.mark.parametrize('make', [tiny.evad, tiny.actionformer])
def test_killed_training_ends_the_same(make, tmp_path):
    arguments = make(str(tmp_path), train_cfg__max_epochs=EPOCHS)
    whole, killed = str(tmp_path / 'whole'), str(tmp_path / 'killed')
    begin = time.monotonic()
    pid = training.start([*arguments, '--work-dir', whole], whole + '.log')
    assert training.finish(pid) == 0, open(whole + '.log').read()[-2000:]
    took = time.monotonic() - begin
    # to start, and for two epochs
    longest = 3 + 2 * took / EPOCHS
    hits = training.train_with_kills(arguments, killed, KILLS, longest, seed=0)

    assert len(hits) == KILLS
    in_writes = [names for names in hits if names]
    assert len(in_writes) >= KILLS // 4
    assert any(name.startswith('epoch') for name in sum(in_writes, []))
    name, expected = training.final_state(whole)
    again, found = training.final_state(killed)
    assert again == name
    states = [key for key in expected if key not in ('meta', 'message_hub')]
    assert sorted(states) == sorted(set(found) - {'meta', 'message_hub'})
    if make is tiny.actionformer:
        assert 'ema_state_dict' in states
        assert 'head.loss_normalizer' in expected['state_dict']
    for key in states:
        assert training.differences(expected[key], found[key]) == []
    logs = [training.messages(state) for state in (expected, found)]
    assert len(logs[0]['train/loss'][0]) == logs[0]['iter'] + 1
    assert training.differences(*logs) == []
    assert training.checkpoints(killed) == training.checkpoints(whole)
    print(
        f'{make.__name__}: {len(hits)} kills, {len(in_writes)} of them while '
        f'{", ".join(sorted(set(sum(in_writes, []))))} was written; '
        f'undisturbed {took:.0f} s, killed and resumed '
        f'{time.monotonic() - begin - took:.0f} s; {", ".join(states)}, '
        f'{len(logs[0])} messages and the names of the checkpoints are the '
        'same, bit by bit',
        file=sys.stderr)
