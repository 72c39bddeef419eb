"""What the segment dataset gives, and how it finds features."""
import gzip
import json
import pickle

import numpy as np
import pytest
import torch

from mmevad.datasets import SegmentDataset
from mmevad.utils import DataError
from .segment_files import (CLASSES, PIPELINE, action, build, features, video,
                            write_features)


def labels_of(dataset, index=0):
    return dataset.get_data_info(index)['labels'].tolist()


def segments_of(dataset, index=0):
    return dataset.get_data_info(index)['segments'].tolist()


def test_item(tmp_path):
    dataset = build(tmp_path,
                    dict(a=video(action(2., 4.), action(10., 12., 1))))
    assert len(dataset) == 1
    assert dataset.metainfo == dict(classes=tuple(CLASSES))
    inputs, sample = dataset[0].values()
    assert np.array_equal(inputs.numpy(), features(100).T)
    assert sample.metainfo == dict(
        video_name='a',
        duration=20.,
        fps=25.,
        feat_stride=5,
        num_frames=5,
        feat_len=100)
    assert sample.gt_instances.labels.tolist() == [0, 1]
    expected = torch.tensor([[9.5, 19.5], [49.5, 59.5]])
    assert torch.equal(sample.gt_instances.segments, expected)


def test_subsets_in_any_case(tmp_path):
    database = dict(
        a=video(action(1., 2.), subset='Training'),
        b=video(action(1., 2.), subset='VALIDATION'),
        c=video(subset='testing'))
    for subset, names in (('training', 'a'), ('Validation', 'b'),
                          (['TRAINING', 'validation'], 'ab'), (None, 'abc')):
        dataset = build(tmp_path, database, subset=subset)
        assert ''.join(
            dataset.get_data_info(i)['video_name']
            for i in range(len(dataset))) == names
    with pytest.raises(DataError, match="subset 'val'.*'Training', 'VALID"):
        build(tmp_path, database, subset='val')


def test_video_without_annotations_is_background(tmp_path):
    bare = video()
    del bare['annotations']
    dataset = build(tmp_path, dict(a=video(action(1., 2.)), b=video(), c=bare))
    assert len(dataset) == 3
    for index in (1, 2):
        gts = dataset[index]['data_samples'].gt_instances
        assert gts.segments.shape == (0, 2) and gts.labels.shape == (0, )
        assert gts.segments.dtype == torch.float32
        assert gts.labels.dtype == torch.int64


@pytest.mark.parametrize('annotations', [(), (action(3., 3.), )])
def test_training_needs_a_segment(tmp_path, annotations):
    database = dict(a=video(*annotations), b=video())
    with pytest.raises(DataError, match='ann.json: none of the 2 videos'):
        build(tmp_path, database)
    assert len(build(tmp_path, database, test_mode=True)) == 2


def test_segments_after_the_end_are_kept(tmp_path):
    dataset = build(tmp_path, dict(a=video(action(15., 27.))))
    assert segments_of(dataset) == [[15, 27]]


def test_fps(tmp_path):
    database = dict(a=video(action(1., 2.)), b=video())
    del database['b']['fps']
    with pytest.raises(DataError, match='ann.json, video b: there is no "fps'):
        build(tmp_path, database)
    for kwargs, expected in ((dict(default_fps=10), [25, 10]), (dict(fps=15),
                                                                [15, 15])):
        dataset = build(tmp_path, database, **kwargs)
        assert [dataset.get_data_info(i)['fps'] for i in (0, 1)] == expected


def test_unknown_stride_follows_from_the_duration(tmp_path):
    """20 s * 25 fps / 40 features = 12.5."""
    dataset = build(
        tmp_path,
        dict(a=video(action(5., 10.))),
        dict(a=40),
        feat_stride=None,
        num_frames=None)
    sample = dataset[0]['data_samples']
    assert (sample.feat_stride, sample.num_frames) == (12.5, 12.5)
    assert sample.gt_instances.segments.tolist() == [[9.5, 19.5]]


def test_duplicates(tmp_path):
    database = dict(
        a=video(
            action(1., 2.), action(1.0005, 2.0009), action(1.002, 2.),
            action(1., 2., 1), action(5., 5.0004)),
        b=video())
    assert len(labels_of(build(tmp_path, database))) == 5
    dataset = build(tmp_path, database, remove_duplicates=True)
    assert labels_of(dataset) == [0, 0, 1]
    assert np.allclose(segments_of(dataset), [[1, 2], [1.002, 2], [1, 2]])
    assert labels_of(dataset, 1) == []


def test_gz_and_data_root(tmp_path):
    database = dict(a=video(action(1., 2.)))
    with gzip.open(tmp_path / 'ann.json.gz', 'wt') as file:
        json.dump(dict(database=database), file)
    write_features(tmp_path / 'rgb', dict(a=100), 4)
    write_features(tmp_path / 'flow', dict(a=100), 3)
    dataset = build(
        tmp_path,
        database,
        ann_file='ann.json.gz',
        data_root=str(tmp_path),
        data_prefix=dict(feat=['rgb', 'flow']),
        feat_dims=[4, 3])
    inputs = dataset[0]['inputs']
    assert inputs.shape == (7, 100)
    assert np.array_equal(inputs[4:].numpy(), features(100, 3).T)


def test_names_of_files(tmp_path):
    folder = tmp_path / 'named'
    folder.mkdir()
    np.savez(folder / 'v_a_i3d.npz', x=features(100).T)
    dataset = build(
        tmp_path,
        dict(a=video(action(1., 2.))),
        data_prefix=dict(feat=str(folder)),
        feat_prefix='v_',
        feat_ext='_i3d.npz',
        feat_key='x',
        feat_layout='CT')
    assert np.array_equal(dataset[0]['inputs'].numpy(), features(100).T)


def test_hdf5(tmp_path):
    h5py = pytest.importorskip('h5py')
    database = dict(a=video(action(1., 2.)), b=video())
    path = str(tmp_path / 'all.h5')
    with h5py.File(path, 'w') as file:
        file['v_a'] = features(100)
    kwargs = dict(data_prefix=dict(feat=path), feat_prefix='v_')
    with pytest.raises(DataError, match=r"all.h5\['v_b'\] does not exist"):
        build(tmp_path, database, **kwargs)
    dataset = build(tmp_path, database, skip_missing=True, **kwargs)
    assert len(dataset) == 1
    assert np.array_equal(dataset[0]['inputs'].numpy(), features(100).T)
    pickle.dumps(dataset[0])


def test_missing_features(tmp_path):
    names = 'abcdefgh'
    database = {name: video(action(1., 2.)) for name in names}
    with pytest.raises(DataError) as error:
        build(tmp_path, database, dict(a=100))
    lines = str(error.value).split('\n')
    assert [line[:7]
            for line in lines[:5]] == [f'Video {name}' for name in 'bcdef']
    assert 'feats/b.npy does not exist' in lines[0]
    assert lines[5:] == ['... and 2 more problems.']
    dataset = build(tmp_path, database, dict(a=100), skip_missing=True)
    assert len(dataset) == 1
    assert len(build(tmp_path, database, {}, check_files=False)) == 8
    with pytest.raises(DataError, match='does not exist'):
        build(tmp_path, dict(z=video(action(1., 2.))), {}, skip_missing=True)


def test_nan_refuses_with_the_name_of_the_video(tmp_path):
    dataset = build(tmp_path, dict(a=video(action(1., 2.))))
    bad = features(100)
    bad[40, 2] = np.nan
    np.save(tmp_path / 'feats' / 'a.npy', bad)
    with pytest.raises(DataError, match=r'Video a: .*a\.npy has NaN'):
        dataset[0]


def test_loading_checks_width_and_streams(tmp_path):
    database = dict(a=video(action(1., 2.)))
    dataset = build(tmp_path, database, feat_dims=2048)
    with pytest.raises(DataError, match='Video a: .*6 channels instead'):
        dataset[0]
    short = write_features(tmp_path / 'short', dict(a=99))
    dataset = build(
        tmp_path,
        database,
        data_prefix=dict(feat=[str(tmp_path / 'feats'), short]))
    with pytest.raises(DataError, match=r'Video a: .*\[100, 99\] rows'):
        dataset[0]


@pytest.mark.parametrize('arguments,message', [
    (dict(num_frames=None), 'both'),
    (dict(feat_stride=0), 'feat_stride must be positive'),
    (dict(fps=-1), 'fps must be positive'),
    (dict(feat_layout='NCT'), 'feat_layout must be'),
    (dict(feat_dims=[6, 6]), '2 numbers for 1 streams'),
])
def test_bad_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(tmp_path, dict(a=video(action(1., 2.))), **arguments)


def test_works_in_loader_workers(tmp_path):
    """Crops differ between videos and repeat with the seed."""
    from mmengine.runner import Runner
    pipeline = PIPELINE[:2] + [
        dict(type='RandomCropSegments', max_seq_len=40, trunc_thresh=0.5)
    ] + PIPELINE[2:]
    database = {
        name: video(action(1., 2.), action(9., 15., 1))
        for name in 'abcd'
    }
    dataset = build(tmp_path, database, pipeline=pipeline)
    loader = dict(
        dataset=dataset,
        batch_size=2,
        num_workers=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='pseudo_collate'))
    runs = []
    for seed in (3, 3, 4):
        batches = list(Runner.build_dataloader(dict(loader), seed=seed))
        assert [x.video_name for b in batches
                for x in b['data_samples']] == list('abcd')
        runs.append(torch.stack(sum((b['inputs'] for b in batches), [])))
    assert runs[0].shape == (4, 6, 40)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_registered():
    from mmaction.registry import DATASETS
    assert DATASETS.get('SegmentDataset') is SegmentDataset
