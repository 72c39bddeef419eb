# Copyright (c) mmevad authors. All rights reserved.
import json

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate

from mmevad.apis import ClipFeatureExtractor, TALInferencer, open_video
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import write_json
from .recognizers import SLOWONLY, make_config, write_weights
from .small import CONFIG, FPS, frames, write_folder, write_video
from .tal import (CHANNELS, CLASSES, FRAMES, STRIDE, make_tal_config,
                  write_tal_weights)

LENGTH = 10  # features of the 30 frames of the video


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('tal')
    write_tal_weights(root / 'tal.pth', make_tal_config())
    write_weights(root / 'slow.pth', make_config(SLOWONLY))
    write_video(root / 'clip.mp4', frames())
    rng = np.random.default_rng(0)
    features = rng.standard_normal((LENGTH, CHANNELS)).astype(np.float32)
    (root / 'feats').mkdir()
    np.save(root / 'feats' / 'a.npy', features)
    np.save(root / 'feats' / 'b.npy', features[:7])
    return root


def extractor(root):
    return dict(config=make_config(SLOWONLY), weights=str(root / 'slow.pth'))


@pytest.fixture(scope='module')
def tal(root):
    return TALInferencer(
        make_tal_config(),
        str(root / 'tal.pth'),
        'cpu',
        feature_extractor=extractor(root))


def run(tal, inputs, **kwargs):
    return tal(
        inputs, show_progress=False, **dict(dict(score_thr=0), **kwargs))


def test_segments_are_those_of_the_dataset_and_the_model(root, tal):
    """What ``mim test`` computes from an annotation file."""
    database = dict(
        a=dict(subset='test', duration=2.4, fps=FPS, annotations=[]))
    write_json(str(root / 'ann.json'), dict(database=database))
    cfg = make_tal_config(
        ann_file=str(root / 'ann.json'),
        data_prefix=dict(feat=str(root / 'feats')),
        metainfo=dict(classes=CLASSES),
        test_mode=True)
    sample = DATASETS.build(cfg.test_dataloader.dataset)[0]
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(torch.load(root / 'tal.pth')['state_dict'])
    expected = model.test_step(pseudo_collate([sample]))[0].pred_instances
    result = run(tal, str(root / 'feats/a.npy'), fps=FPS, duration=2.4)
    assert json.loads(json.dumps(result)) == result
    prediction = result['predictions'][0]
    assert result['visualization'] == []
    assert prediction['video'] == 'a'
    assert (prediction['duration'], prediction['fps']) == (2.4, FPS)
    found = prediction['segments']
    assert len(found) == len(expected) > 9
    for row, segment, score, label in zip(found, expected.segments,
                                          expected.scores, expected.labels):
        assert row['segment'] == pytest.approx(segment.tolist(), abs=6e-4)
        assert row['score'] == pytest.approx(score.item(), abs=6e-5)
        assert row['label'] == CLASSES[label]
        assert 0 <= row['segment'][0] < row['segment'][1] <= 2.4
    scores = [row['score'] for row in found]
    assert scores == sorted(scores, reverse=True) and 0 < scores[-1]


def test_features_as_file_array_and_folder(root, tal):
    file = run(tal, str(root / 'feats/a.npy'), fps=FPS)['predictions'][0]
    # 9 steps of 2 frames and a window of 12
    assert file['duration'] == pytest.approx(30 / FPS)
    array = np.load(root / 'feats/a.npy')
    found = run(tal, array, fps=FPS)['predictions'][0]
    assert found == dict(file, video='array_0')
    both = run(tal, str(root / 'feats'), fps=FPS)['predictions']
    assert [row['video'] for row in both] == ['a', 'b'] and both[0] == file


def test_hdf5_has_an_entry_per_video(root, tal):
    h5py = pytest.importorskip('h5py')
    with h5py.File(root / 'all.h5', 'w') as file:
        for name in 'ab':
            file[name] = np.load(root / f'feats/{name}.npy')
    found = run(tal, str(root / 'all.h5'), fps=FPS)['predictions']
    assert found == run(tal, str(root / 'feats'), fps=FPS)['predictions']
    one = run(tal, str(root / 'all.h5::b'), fps=FPS)['predictions']
    assert one == found[1:]


def test_a_video_gives_what_its_extracted_features_give(root, tal):
    video = str(root / 'clip.mp4')
    features = ClipFeatureExtractor(
        *extractor(root).values(), feat_stride=STRIDE)(
            video)
    assert features.shape == (LENGTH, CHANNELS)
    expected = run(tal, features, fps=FPS, duration=2.4)['predictions'][0]
    for size in (1, 4, 50):
        found = run(tal, video, batch_size=size)['predictions'][0]
        assert (found['video'], found['fps']) == ('clip', FPS)
        assert found['duration'] == 2.4
        for row, wanted in zip(found['segments'], expected['segments']):
            assert row['segment'] == pytest.approx(wanted['segment'], abs=2e-3)
            assert row['score'] == pytest.approx(wanted['score'], abs=2e-4)
    images = np.ascontiguousarray(frames()[..., ::-1])
    found = run(tal, images, fps=FPS)['predictions'][0]
    assert found['duration'] == 2.4  # and the codec lost a little above


def test_extractors_record_says_rate_and_duration(root, tal, tmp_path):
    np.save(tmp_path / 'a.npy', np.load(root / 'feats/a.npy'))
    record = dict(
        fps=10.,
        total_frames=31,
        settings=dict(feat_stride=STRIDE, num_frames=FRAMES))
    write_json(str(tmp_path / 'a.json'), record)
    found = run(tal, str(tmp_path / 'a.npy'))['predictions'][0]
    assert (found['fps'], found['duration']) == (10, 3.1)
    found = run(tal, str(tmp_path / 'a.npy'), duration=3)['predictions'][0]
    assert found['duration'] == 3
    record['settings']['feat_stride'] = 4
    write_json(str(tmp_path / 'a.json'), record)
    with pytest.raises(DataError, match='feat_stride=4, but the model was'):
        run(tal, str(tmp_path / 'a.npy'))


def test_what_is_shown_can_be_chosen(root, tal):
    path = str(root / 'feats/a.npy')
    all_rows = run(tal, path, fps=FPS)['predictions'][0]['segments']
    thr = all_rows[5]['score']
    high = run(tal, path, fps=FPS, score_thr=thr - 1e-4)
    assert high['predictions'][0]['segments'] == [
        row for row in all_rows if row['score'] >= thr - 1e-4
    ]
    top = run(tal, path, fps=FPS, top_k=3)['predictions'][0]['segments']
    assert top == all_rows[:3]
    names = [CLASSES[2], CLASSES[0]]
    some = run(tal, path, fps=FPS, classes=names)['predictions'][0]
    assert some['segments'] == [
        row for row in all_rows if row['label'] in names
    ]
    with pytest.raises(DataError, match="no class 'rum'; the closest are run"):
        run(tal, path, fps=FPS, classes=['rum'])


def test_a_limit_of_the_model_is_told(root, tal, monkeypatch):
    said = []
    monkeypatch.setattr('mmevad.apis.tal_inferencer.print_log',
                        lambda text, **kwargs: said.append(text))
    path = str(root / 'feats/a.npy')
    run(tal, path, fps=FPS)
    assert not said
    monkeypatch.setattr(tal.model.head.nms, 'max_seg_num', 5)
    found = run(tal, path, fps=FPS)['predictions'][0]['segments']
    assert len(found) == 5 and 'a: the model keeps the surest 5' in said[0]


def test_files_and_picture(root, tal, tmp_path):
    out = tmp_path / 'new' / 'out'
    result = run(
        tal,
        str(root / 'feats/a.npy'),
        fps=FPS,
        out_dir=str(out),
        return_vis=True)
    assert sorted(p.name for p in out.iterdir()) == [
        'a_segments.json', 'a_timeline.png'
    ]
    content = json.loads((out / 'a_segments.json').read_text())
    assert content == result['predictions'][0]
    picture = cv2.imread(str(out / 'a_timeline.png'))[..., ::-1]
    assert np.array_equal(picture, result['visualization'][0])
    assert picture.shape[1] == 1200


def test_progress_and_lines(root, tal, capsys):
    tal(str(root / 'clip.mp4'), print_result=True, score_thr=0, top_k=2)
    out = capsys.readouterr().out
    assert 'videos' in out and '100%' in out
    assert sum(' s to ' in line for line in out.splitlines()) == 2


def test_the_config_may_name_its_extractor(root):
    cfg = make_tal_config()
    cfg.feature_extractor = extractor(root)
    own = TALInferencer(cfg, str(root / 'tal.pth'), 'cpu')
    assert own.extractor.feat_stride == STRIDE
    assert own.extractor.shape.num_frames == FRAMES


def test_features_must_be_placed_as_in_training(root):
    other = dict(extractor(root), frame_interval=4)
    with pytest.raises(DataError, match='num_frames=16, .* num_frames=12'):
        TALInferencer(
            make_tal_config(), str(root / 'tal.pth'), feature_extractor=other)
    cfg = make_tal_config(feat_stride=None, num_frames=None)
    with pytest.raises(DataError, match='give the feature extractor feat_st'):
        TALInferencer(
            cfg, str(root / 'tal.pth'), feature_extractor=extractor(root))
    free = TALInferencer(
        cfg,
        str(root / 'tal.pth'),
        'cpu',
        feature_extractor=dict(extractor(root), feat_stride=STRIDE))
    assert run(free, str(root / 'clip.mp4'))['predictions'][0]['segments']
    path = str(root / 'feats/a.npy')
    with pytest.raises(DataError, match='spread over it; give duration'):
        run(free, path, fps=FPS)
    assert run(free, path, fps=FPS, duration=5)['predictions'][0]['segments']


def test_what_does_not_fit_is_named(root, tal, tmp_path):
    plain = TALInferencer(make_tal_config(), str(root / 'tal.pth'))
    with pytest.raises(DataError, match='is a video, but the model takes fea'):
        plain(str(root / 'clip.mp4'), show_progress=False)
    with pytest.raises(DataError, match='frame rate .*a.npy is unknown'):
        run(tal, str(root / 'feats/a.npy'))
    np.save(tmp_path / 'w.npy', np.zeros((9, 31), np.float32))
    with pytest.raises(
            DataError, match='w.npy gives features of 31 channels, .* 32'):
        run(tal, str(tmp_path / 'w.npy'), fps=FPS)
    with pytest.raises(DataError, match='array_0 gives features of 31 chan'):
        run(tal, np.zeros((9, 31), np.float32), fps=FPS)
    with pytest.raises(DataError, match='none.npy does not exist'):
        run(tal, 'none.npy', fps=FPS)
    (tmp_path / 'x.npy').write_bytes(b'')
    with pytest.raises(DataError, match='x.npy cannot be read'):
        run(tal, str(tmp_path / 'x.npy'), fps=FPS)
    (tmp_path / 'a.csv').write_text('1,2\n')
    with pytest.raises(DataError, match='a.csv cannot be read as a video'):
        run(tal, str(tmp_path / 'a.csv'))
    write_folder(tmp_path / 'short', frames()[:11])
    with pytest.raises(DataError, match='has 11 frames, but a clip of 4 fra'):
        run(tal, str(tmp_path / 'short'))
    wrong = TALInferencer(
        make_tal_config(64),
        write_tal_weights(tmp_path / 'wide.pth', make_tal_config(64)),
        feature_extractor=extractor(root))
    with pytest.raises(DataError, match='the feature extractor gives feat'):
        run(wrong, open_video(str(root / 'clip.mp4')))
    with pytest.raises(DataError, match='runs ActionFormer, but .* EVAD'):
        TALInferencer(CONFIG, _evad(tmp_path))


def _evad(folder):
    from .small import write_checkpoint
    write_checkpoint(folder / 'evad.pth')
    return str(folder / 'evad.pth')
