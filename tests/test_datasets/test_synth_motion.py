# Copyright (c) mmevad authors. All rights reserved.
"""How the drawn people move, and what they are told to do."""
import numpy as np
import pytest

from mmevad.datasets.synth_actors.actions import POSE_FUNCTIONS, Style
from mmevad.datasets.synth_actors.schedule import Director
from mmevad.datasets.synth_actors.skeleton import (JOINT, Body,
                                                   forward_kinematics)


@pytest.mark.parametrize('name', list(POSE_FUNCTIONS))
def test_bones_keep_their_length_and_feet_the_ground(name):
    t = np.arange(25) / 12.5
    u = (np.arange(25) + .5) / 25
    body = Body()
    pose = POSE_FUNCTIONS[name](u, t, Style())
    joints = forward_kinematics(pose, body, np.zeros((25, 2)), np.zeros(25))
    for bone, a, b in (('thigh', 'hip_l', 'knee_l'), ('shin', 'knee_r',
                                                      'ankle_r'),
                       ('forearm', 'elbow_l', 'hand_l'), ('trunk', 'pelvis',
                                                          'chest')):
        length = np.linalg.norm(
            joints[:, JOINT[a]] - joints[:, JOINT[b]], axis=-1)
        np.testing.assert_allclose(
            length, getattr(body, bone) * body.stature, rtol=.02)
    feet = [JOINT[f'{n}_{s}'] for n in ('ankle', 'toe') for s in 'lr']
    lowest = joints[:, feet, 1].min(1) - body.ankle_height * body.stature
    air = lowest.max()
    assert lowest.min() == pytest.approx(0, abs=1e-9)
    assert air > .3 if name == 'jump' else air < 1e-9


def test_sitting_down_lowers_the_body_all_the_time():
    t = np.arange(15) / 12.5
    u = (np.arange(15) + .5) / 15
    down = POSE_FUNCTIONS['sit down'](u, t, Style())
    joints = forward_kinematics(down, Body(), np.zeros((15, 2)), np.zeros(15))
    assert (np.diff(joints[:, JOINT['pelvis'], 1]) < 0).all()


def test_scripts_have_no_gaps_and_pushes_come_in_pairs():
    pushes = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scripts = Director(rng, [1.6, 1.7, 1.8], 150, 12.5, 4 / 3).run()
        hits, pushed = [], []
        for script in scripts:
            steps = script.steps
            assert steps[0].start == 0 and steps[-1].end >= 150
            for a, b in zip(steps, steps[1:]):
                assert a.end == b.start
                np.testing.assert_array_equal(a.target, b.origin)
            hits += [s for s in steps if s.action == 'push']
            pushed += [s for s in steps if s.action == 'be pushed']
        assert len(hits) == len(pushed)
        for hit in hits:
            assert any(hit.start < s.start < hit.end for s in pushed)
        pushes += len(hits)
    assert pushes >= 20
