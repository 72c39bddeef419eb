# Copyright (c) mmevad authors. All rights reserved.
"""Reading pickles: what no annotation shows. See also test_tubes.py."""
import gc
import io
import pickle
import struct

import numpy as np
import pytest

from mmevad.utils.errors import DataError
from mmevad.utils.inert_pickle import read_inert, unfolded_size
from mmevad.utils.safe_pickle import safe_pickle_loads


@pytest.mark.parametrize('enabled', [True, False])
@pytest.mark.parametrize('good', [True, False])
def test_garbage_is_collected_afterwards_as_before(enabled, good):
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        if good:
            safe_pickle_loads(pickle.dumps([1]), 'x')
        else:
            with pytest.raises(DataError):
                safe_pickle_loads(b'no pickle', 'x')
        assert gc.isenabled() == enabled
    finally:
        gc.enable() if before else gc.disable()


def framed(content, size=None):
    """Protocol 4 with one frame that says to have ``size`` bytes."""
    size = len(content) if size is None else size
    return b'\x80\x04\x95' + struct.pack('<Q', size) + content


def test_frames():
    large = {i: np.full(1000, i) for i in range(200)}  # many frames
    raw = pickle.dumps(large, 4)
    assert raw.count(b'\x95') > 5
    found = safe_pickle_loads(raw, 'x')
    assert all((found[i] == i).all() for i in range(200))
    assert safe_pickle_loads(framed(b'K\x07.'), 'x') == 7
    # nothing is made for what a frame declares
    assert safe_pickle_loads(framed(b'K\x07.', 2**62), 'x') == 7
    with pytest.raises(DataError, match='2 bytes follow the end'):
        safe_pickle_loads(framed(b'K\x07.N.'), 'x')
    for cut in range(13):
        with pytest.raises(DataError, match='not a readable pickle'):
            safe_pickle_loads(framed(b'K\x07.')[:cut], 'x')


def test_pickles_one_after_the_other():
    stream = io.BytesIO(b''.join(
        pickle.dumps(x, protocol)
        for protocol, x in ((2, 'a'), (4, ['b'] * 9), (5, b'c'))))
    assert [read_inert(stream) for _ in range(3)] == ['a', ['b'] * 9, b'c']


def test_unfolded_size():
    row = ['x' * 32, 1, None]
    assert unfolded_size(row, 1000) == 1 + 3 + 1 + 1
    assert unfolded_size([row, row, (row, )], 1000) == 1 + 6 + 6 + 1 + 6
    assert unfolded_size({'a': row, 2: {3}}, 1000) == 1 + 1 + 6 + 1 + 2
    assert unfolded_size(pickle.PROTO, 1000) == 1
    shared = [1]
    for _ in range(100):
        shared = [shared, shared]
    assert unfolded_size(shared, 1000) == 1000
    shared.append(shared)
    with pytest.raises(pickle.UnpicklingError, match='holds itself'):
        unfolded_size([[1], shared], 2**200)
