# Copyright (c) mmevad authors. All rights reserved.
import pytest
from mmengine.registry import init_default_scope

from mmevad.datasets import CheckedAVADataset, CheckedAVAKineticsDataset
from mmevad.utils import DataError
from .tube_files import make_frames, numbers

BOX = '0.1,0.1,0.5,0.5,1,-1'
CLIP = 'x_bcdefghij_000100_000110'  # an id may contain the separator
PIPELINE = [
    dict(type='SampleAVAFrames', clip_len=4, frame_interval=1, test_mode=True)
]


def build(tmp_path, *rows, cls=CheckedAVAKineticsDataset, **kwargs):
    init_default_scope('mmaction')
    (tmp_path / 'ann.csv').write_text(''.join(f'{x},{BOX}\n' for x in rows))
    arguments = dict(
        pipeline=PIPELINE,
        data_prefix=dict(img=str(tmp_path)),
        num_classes=2,
        fps=2,
        timestamp_start=900,
        timestamp_end=906)
    return cls(str(tmp_path / 'ann.csv'), **{**arguments, **kwargs})


def test_every_clip_counts_from_its_own_second(tmp_path):
    make_frames(str(tmp_path / 'abcdefghijk'), 12)
    make_frames(str(tmp_path / CLIP), 12)
    dataset = build(
        tmp_path,
        'abcdefghijk,902',
        f'{CLIP},102',
        f'{CLIP},105',
        pipeline=PIPELINE + [dict(type='RawFrameDecode')])
    assert [numbers(item['imgs']) for item in dataset] == [
        # the third is frame 2 (t - start) + 2, as AVADataset counts
        [4, 5, 6, 7],
        [4, 5, 6, 7],
        # the clip ends with frame 12
        [10, 11, 12, 12]
    ]
    ava = build(tmp_path, 'abcdefghijk,902', cls=CheckedAVADataset)
    assert (ava[0]['frame_inds'] == dataset[0]['frame_inds']).all()
    # without files, a clip is as long as its name says
    loose = build(tmp_path, f'{CLIP},109', check_files=False)
    assert loose[0]['frame_inds'].tolist() == [18, 19, 20, 20]


def test_refused(tmp_path):
    with pytest.raises(
            DataError,
            match='timestamp 99 of x_bcdefghij_000100_'
            '000110 lies outside its seconds 100 to 110'):
        build(tmp_path, f'{CLIP},99')
    with pytest.raises(DataError, match='set use_frames=True'):
        build(tmp_path, f'{CLIP},105', use_frames=False, start_index=0)
    with pytest.raises(DataError, match='1 of 1 frame folders do not exist'):
        build(tmp_path, f'{CLIP},105')
