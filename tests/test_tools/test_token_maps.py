# Copyright (c) mmevad authors. All rights reserved.
import importlib.util

import cv2
import pytest

from .evad_clips import make_clips

SPEC = importlib.util.spec_from_file_location('token_maps',
                                              'tools/analysis/token_maps.py')
token_maps = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(token_maps)


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    return make_clips(tmp_path_factory.mktemp('clips'))


def test_two_pictures_of_each_clip(inputs, tmp_path):
    paths = token_maps.main(inputs + [
        '--items', '1', '--actors', '2', '--device', 'cpu', '--out-dir',
        str(tmp_path)
    ])
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        'run_v_0020_attention.png', 'run_v_0020_kept.png'
    ]
    kept, attention = (cv2.imread(path) for path in paths)
    # four slices of 320 x 240; three layers, frames and at least one actor
    assert kept.shape[:2] == (30 + 3 * 274, 1296)
    assert attention.shape[:2] in [(30 + n * 274, 1296) for n in (2, 3)]
    # in the last row the keyframe is whole, the first slice is not
    row = kept[30 + 2 * 274 + 35:30 + 3 * 274 - 10]
    assert (row[:, 660:960] > 40).all()
    assert (row[:, 10:310] < 20).any()


def test_bad_input_is_one_sentence(inputs, tmp_path):
    with pytest.raises(SystemExit, match='error: .* rho=0.2 leaves'):
        token_maps.main(inputs +
                        ['--keep-rate', '.2', '--out-dir',
                         str(tmp_path)])
    with pytest.raises(SystemExit, match='error: The .*nowhere'):
        token_maps.main(['nowhere.py', inputs[1]])
    with pytest.raises(SystemExit, match='is the config of ActionFormer'):
        token_maps.main(
            ['actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature', inputs[1]])
