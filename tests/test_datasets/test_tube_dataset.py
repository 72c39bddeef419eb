# Copyright (c) mmevad authors. All rights reserved.
import shutil

import cv2
import numpy as np
import pytest
from mmaction.datasets import AVADataset
from mmaction.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmevad.datasets import TubeDataset, VideoFrameDecode
from mmevad.utils import DataError
from .tube_files import content, make_clip, make_frames, numbers, save

PNG = '{:05}.png'
NFRAMES = content()['nframes']
DECODERS = dict(img='RawFrameDecode', video='VideoFrameDecode')


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmaction')


@pytest.fixture(scope='module')
def media(tmp_path_factory):
    """Clips and frames of all videos, one clip outside a class folder."""
    folder = tmp_path_factory.mktemp('media')
    for video, nframes in NFRAMES.items():
        clip = 'c' if video == 'run/c' else video
        make_clip(str(folder / 'clips' / f'{clip}.avi'), nframes)
        make_frames(str(folder / 'frames' / video), nframes, PNG)
    return dict(img=str(folder / 'frames'), video=str(folder / 'clips'))


@pytest.fixture
def build(tmp_path, media):

    def _build(source='img', data=None, name='t.pkl', pipeline=(), **kwargs):
        arguments = dict(
            ann_file=save(tmp_path / name, data or content()),
            pipeline=list(pipeline),
            data_prefix={source: media[source]},
            filename_tmpl=PNG)
        return TubeDataset(**{**arguments, **kwargs})

    return _build


def reading(source, clip_len=4, frame_interval=2):
    return [
        dict(
            type='SampleAVAFrames',
            clip_len=clip_len,
            frame_interval=frame_interval,
            test_mode=True),
        dict(type=DECODERS[source])
    ]


def keys(dataset):
    return [item['img_key'] for item in dataset]


@pytest.mark.parametrize('source', DECODERS)
def test_items_have_the_keys_of_ava_items(build, tmp_path, source):
    assert DATASETS.get('TubeDataset') is TubeDataset
    path = tmp_path / 'ann.csv'
    path.write_text('run/b,3,0.1,0.2,0.5,0.6,1,0\n')
    ava = AVADataset(
        str(path), [],
        data_prefix=dict(img=''),
        use_frames=source == 'img',
        num_classes=3)
    assert set(build(source)[0]) == set(ava[0])


def test_item_shows_everybody(build):
    dataset = build()
    assert dataset.metainfo['classes'] == ('jump', 'run')
    assert dataset.num_classes == 3
    item = dataset[keys(dataset).index('run/b,0003')]
    np.testing.assert_array_equal(item['gt_bboxes'],
                                  [[0, 0, 1, 1], [.5, .5, 1, 1]])
    np.testing.assert_array_equal(item['gt_labels'], [[0, 0, 1], [0, 0, 1]])
    assert item['gt_bboxes'].dtype == item['gt_labels'].dtype == np.float32
    np.testing.assert_array_equal(item['entity_ids'], [0, 1])
    assert (item['video_id'], item['timestamp']) == ('run/b', 3)


@pytest.mark.parametrize('source', DECODERS)
@pytest.mark.parametrize(
    'key, expected',
    [
        # the middle, index 2, is the keyframe; the ends are repeated
        ('jump/a,0002', [1, 1, 2, 4]),
        ('jump/a,0005', [1, 3, 5, 7]),
        ('run/b,0006', [2, 4, 6, 6]),
        ('run/b,0001', [1, 1, 1, 3]),
    ])
def test_clips_from_frames_and_videos(build, source, key, expected):
    dataset = build(source, pipeline=reading(source))
    item = dataset[keys(dataset).index(key)]
    assert numbers(item['imgs']) == expected
    assert item['img_shape'] == item['original_shape'] == (120, 160)
    assert item['gt_bboxes'].dtype == np.float32
    box = [20, 40, 60, 80] if key[0] == 'j' else [0, 0, 160, 120]
    if key != 'run/b,0006':
        np.testing.assert_allclose(item['gt_bboxes'][0], box, rtol=1e-6)


@pytest.mark.parametrize('subset, kwargs, expected', [
    ('test', {}, ['run/c,0001']),
    ('all', dict(keyframe_interval=2), [
        'jump/a,0002', 'jump/a,0004', 'run/b,0001', 'run/b,0003', 'run/b,0005',
        'run/c,0001'
    ]),
    ('train', dict(keyframes_per_tube=1),
     ['jump/a,0004', 'run/b,0002', 'run/b,0005']),
    ('train', dict(keyframes_per_tube=9, keyframe_interval=4),
     ['jump/a,0002', 'run/b,0001', 'run/b,0005']),
    ('test', dict(all_frames=True, keyframe_interval=2),
     ['run/c,0001', 'run/c,0003', 'run/c,0005']),
])
def test_keyframes(build, subset, kwargs, expected):
    assert keys(build(subset=subset, **kwargs)) == expected


def test_frames_without_people_pack(build):
    dataset = build(
        pipeline=reading('img') + [
            dict(type='Resize', scale=(60, 1333)),
            dict(type='ClipBoxes'),
            dict(type='FormatShape', input_format='NCTHW', collapse=True),
            dict(type='PackActionInputs')
        ],
        subset='test',
        all_frames=True,
        test_mode=True)
    batch = next(
        iter(DataLoader(dataset, batch_size=5, collate_fn=pseudo_collate)))
    assert [x.shape for x in batch['inputs']] == [(3, 4, 60, 80)] * 5
    counts = [len(x.gt_instances.bboxes) for x in batch['data_samples']]
    assert counts == [1, 0, 0, 0, 0]
    assert batch['data_samples'][1].gt_instances.labels.shape == (0, 3)


def test_equal_boxes_are_one_person_with_several_labels(build):
    data = content()
    tube = data['gttubes']['run/b'][1][0]
    data['gttubes']['run/b'][0] = [tube[:1].copy()]
    data['gttubes']['run/b'][1] += [tube[:1].copy()]
    item = build(data=data)[4]
    assert item['img_key'] == 'run/b,0001'
    # two people run in the same box, one of them jumps
    np.testing.assert_array_equal(item['gt_labels'], [[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(item['entity_ids'], [0, 3])


@pytest.mark.parametrize('name', ['t.json', 't.json.xz', 't.pkl.xz'])
def test_all_forms_give_the_same_items(build, name):
    for ours, theirs in zip(build(name=name), build()):
        for key in ('gt_bboxes', 'gt_labels', 'entity_ids', 'img_key'):
            np.testing.assert_array_equal(ours[key], theirs[key])


def test_arguments_that_contradict(build, media):
    for kwargs, message in (
        (dict(data_prefix=media), 'data_prefix must be dict(img=FOLDER) or'),
        (dict(data_prefix={}), 'data_prefix must be dict(img=FOLDER) or'),
        (dict(subset='val'), 'subset must be one of train, test, all'),
        (dict(num_classes=2), 'has 2 classes, which with background makes 3'),
        (dict(keyframe_interval=0), 'keyframe_interval must be at least 1'),
        (dict(keyframes_per_tube=0), 'keyframes_per_tube must be at least 1'),
        (dict(all_frames=True, keyframes_per_tube=1), 'must be None then'),
        (dict(split=2), 'lists no train videos for split 2'),
    ):
        with pytest.raises(ValueError) as caught:
            build(**kwargs)
        assert message in str(caught.value)


def test_missing_files(build, media, tmp_path):
    frames, clips = str(tmp_path / 'frames'), str(tmp_path / 'clips')
    shutil.copytree(media['img'], frames)
    shutil.copytree(media['video'], clips)
    (tmp_path / 'frames/jump/a/00008.png').unlink()
    (tmp_path / 'clips/run/b.avi').unlink()
    for kwargs, messages in (
        (dict(data_prefix=dict(img=frames)),
         [f'{frames}/jump/a lacks 1 of 8 frames, for example 00008.png; ']),
        (dict(filename_tmpl='img_{:05}.jpg'), [
            "jump/a holds no file named like 'img_{:05}.jpg'; correct",
            "run/b holds no file named like 'img_{:05}.jpg'; correct"
        ]),
        (dict(data_prefix=dict(img=clips)), [
            f'The frame folder {clips}/jump/a does not exist; extract',
            f'The frame folder {clips}/run/b does not exist; extract'
        ]),
        (dict(data_prefix=dict(video=clips)),
         [f'The video run/b is not under {clips} as <video>.avi, .mp4, ']),
    ):
        with pytest.raises(DataError) as caught:
            build(**kwargs)
        lines = str(caught.value).splitlines()
        assert len(lines) == len(messages)
        for line, message in zip(lines, messages):
            assert message in line
    assert len(build(data_prefix=dict(img=clips), check_files=False)) == 10


def test_box_outside_its_frame(build):
    data = content()
    data['gttubes']['run/c'] = {1: [[[1, 80, 0, 90, 9]]]}
    assert len(build(data=data)) == 10  # the other subset
    with pytest.raises(DataError, match="video 'run/c', frame 1, lies out"):
        build(data=data, subset='test')


def test_video_that_is_too_short(tmp_path):
    path = str(tmp_path / 'a.avi')
    make_clip(path, 4)
    decode = VideoFrameDecode()
    item = dict(filename=path, frame_inds=np.array([[3, 0, 3]]))
    assert numbers(decode.transform(item)['imgs']) == [4, 1, 4]
    with pytest.raises(
            DataError,
            match='a.avi has 4 readable frames, but '
            'frame 5 was asked for'):
        decode.transform(dict(filename=path, frame_inds=np.array([4])))
    with pytest.raises(DataError, match='b.avi does not exist'):
        decode.transform(
            dict(filename=path.replace('a.avi', 'b.avi'), frame_inds=[0]))


def test_check_reports_what_loading_refuses_and_more(build, tmp_path):
    data = content()
    data['gttubes']['jump/a'][0][0][0, 3] = 0
    make_frames(str(tmp_path / 'frames/run/b'), NFRAMES['run/b'] + 1, PNG)
    dataset = build(
        data=data,
        data_prefix=dict(img=str(tmp_path / 'frames')),
        lazy_init=True)
    assert [(x.video, x.kind)
            for x in dataset.check()] == [('jump/a', 'empty box'),
                                          ('run/b', 'other number of frames')]
    assert len(dataset.check(annotations_only=True)) == 1
    cv2.imwrite(
        str(tmp_path / 'frames/run/b/00001.png'),
        np.zeros((60, 60, 3), np.uint8))
    assert [x.kind for x in dataset.check()
            ][1:] == ['other number of frames', 'other proportions']
    (tmp_path / 'frames/run/b/00001.png').write_bytes(b'')
    assert dataset.check()[1].kind == 'unreadable frame'
