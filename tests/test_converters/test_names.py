"""Tables of names, in both directions."""
import json

import pytest
import torch

from mmevad.converters.actionformer import NAMES as ACTIONFORMER
from mmevad.converters.conversion import Conversion, misfits, rename_state
from mmevad.converters.evad import evad_names, names_of
from mmevad.converters.names import NameTable
from ..test_models.test_evad.small import build_detector
from .tools import ROOT

TABLE = NameTable([('a.*.x.', 'b.*.y.0.'), ('a.*.', 'b.*.'), ('top', 'head')])


def test_the_first_beginning_that_fits_counts():
    for released, ours in (('a.12.x.w', 'b.12.y.0.w'), ('a.3.z', 'b.3.z'),
                           ('top', 'head')):
        assert TABLE.ours(released) == ours
        assert TABLE.released(ours) == released


@pytest.mark.parametrize('name', ['tops', 'top.w', 'a.x.x.w', 'c.1.x.w', ''])
def test_other_names_are_unknown(name):
    with pytest.raises(KeyError):
        TABLE.ours(name)


def test_numbers_must_have_a_place_on_both_sides():
    with pytest.raises(ValueError, match='differ in their numbers'):
        NameTable([('a.*.', 'b.')])


@pytest.mark.parametrize('path,table,count', [
    ('evad/vitb_state_dict_shapes.json', evad_names(), 528),
    ('actionformer/thumos_i3d_state_dict.json', ACTIONFORMER, 229),
])
def test_released_names_come_back(path, table, count):
    names = json.loads((ROOT / 'tests/data/golden' / path).read_text())
    names.pop('criterion.empty_weight', None)
    ours = {table.ours(name) for name in names}
    assert len(ours) == count
    assert {table.released(name) for name in ours} == set(names)


@pytest.mark.parametrize('num_fcs', [1, 2])
def test_our_evad_names_come_back(num_fcs):
    state = build_detector(decoder=dict(num_fcs=num_fcs)).state_dict()
    table = evad_names(num_fcs)
    released = {table.released(name): value for name, value in state.items()}
    assert len(released) == len(state)
    found = names_of(released)
    assert [found.ours(name) for name in released] == list(state)


def test_misfits_name_every_kind_with_both_shapes():
    one, two = torch.zeros(1), torch.zeros(2, 3)
    state = {
        'module.a.0.x.w': one,
        'module.a.0.z': two,
        'module.a.9.z': two,
        'a.0.z': two,
        'new': one,
        'top': one,
        'lost.b': one
    }
    found = rename_state(state, TABLE, left_out='lost')
    assert found == Conversion(
        {
            'b.0.y.0.w': one,
            'b.0.z': two,
            'b.9.z': two,
            'head': one
        }, {
            'b.0.y.0.w': 'module.a.0.x.w',
            'b.0.z': 'module.a.0.z',
            'b.9.z': 'module.a.9.z',
            'head': 'top'
        }, ['lost.b'], {
            'a.0.z': two,
            'new': one
        })
    model = {
        'b.0.y.0.w': one,
        'b.0.z': one,
        'head': one,
        'b.1.y.0.w': two,
        'other': two,
        'may.lack': one
    }
    assert misfits(
        found, model, TABLE, optional='may') == [
            'a.0.z too many, (2, 3) found', 'new too many, (1,) found',
            'module.a.9.z too many, (2, 3) found',
            'module.a.0.z (2, 3) instead of (1,)',
            'a.1.x.w missing, (2, 3) expected',
            'other missing, (2, 3) expected'
        ]
