# Copyright (c) mmevad authors. All rights reserved.
"""Files, folders, URLs, cameras and arrays."""
import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmevad.apis import open_video
from mmevad.apis.inputs import (Input, is_feature_file, list_inputs,
                                local_file, local_video)
from mmevad.utils.errors import DataError
from .small import FPS, HEIGHT, LENGTH, WIDTH, frames, write_folder
from .small import write_video as write


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('inputs')
    (root / 'videos').mkdir()
    for name in ('b.mp4', 'a.MP4', 'notes.txt'):
        if name == 'notes.txt':
            (root / 'videos' / name).write_text('no video')
        else:
            write(root / 'videos' / 'x.mp4', frames()[:5])
            (root / 'videos' / 'x.mp4').rename(root / 'videos' / name)
    write_folder(root / 'frames', frames()[:5])
    (root / 'feats').mkdir()
    for name in ('a.npy', 'a.json', 'b.pt'):
        (root / 'feats' / name).write_text('')
    (root / 'empty').mkdir()
    return root


def names(inputs, features=False):
    return [item.name for item in list_inputs(inputs, features)]


def test_folders_hold_frames_or_videos_or_features(root):
    assert names(str(root / 'frames')) == ['frames']
    assert names(str(root / 'frames') + '/') == ['frames']
    assert names(str(root / 'videos')) == ['a', 'b']
    assert names(str(root / 'feats'), True) == ['a', 'b']
    with pytest.raises(DataError, match='feats holds none of images, videos;'):
        list_inputs(str(root / 'feats'))
    with pytest.raises(DataError, match='empty holds none of images, videos'):
        list_inputs(str(root / 'empty'), True)


def test_a_folder_of_two_kinds_is_refused(tmp_path):
    for name in ('a.mp4', 'b.png'):
        (tmp_path / name).write_text('')
    with pytest.raises(DataError, match='holds images and videos; it must'):
        list_inputs(str(tmp_path))


def test_lists_mix_kinds(root):
    array = np.zeros((2, 20, 20, 3), np.uint8)
    items = [str(root / 'frames'), 'x/clip.mp4', array, 0, Input(array, 'own')]
    items += ['https://host/a%20clip.mp4?size=2', 'f.h5::video_7']
    assert names(items) == [
        'frames', 'clip', 'array_2', 'camera_0', 'own', 'a clip', 'video_7'
    ]
    video = open_video(str(root / 'frames'))
    assert list_inputs(video) == [Input(video, 'frames')]
    with pytest.raises(TypeError, match='not float'):
        list_inputs(1.5)
    with pytest.raises(DataError, match='the list is empty'):
        list_inputs([])


def test_two_of_one_name_are_refused():
    with pytest.raises(
            DataError, match='a/x.mp4 and b/x.avi are both called x'):
        list_inputs(['a/x.mp4', 'b/x.avi'])


@pytest.mark.parametrize('source, expected', [
    ('a.npy', True),
    ('A.HDF5', True),
    ('a.h5::entry', True),
    ('https://host/a.npz?x=a.mp4', True),
    ('a.mp4', False),
    (0, False),
    (np.zeros((3, 4)), True),
    (np.zeros((3, 4, 5, 3), np.uint8), False),
])
def test_features_are_known_by_their_ending(source, expected):
    assert is_feature_file(source) is expected


@pytest.fixture
def server(root):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(root))
    handler.log_message = handler.func.log_message = lambda *args: None
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def test_downloads_are_removed_again(root, server):
    with local_file(f'{server}/videos/b.mp4?x=1') as path:
        assert Path(path).name == 'b.mp4'
        assert Path(path).read_bytes() == (root / 'videos/b.mp4').read_bytes()
    assert not os.path.exists(os.path.dirname(path))
    item, = list_inputs(f'{server}/videos/b.mp4')
    with local_video(item) as video:
        assert len(video) == 5
    with pytest.raises(DataError, match='none.mp4 cannot be downloaded .*404'):
        with local_file(f'{server}/none.mp4'):
            pass


def test_local_files_stay(root):
    path = str(root / 'videos/b.mp4')
    with local_file(path) as same:
        assert same == path
    assert os.path.exists(path)


def test_arrays_are_videos():
    array = np.ascontiguousarray(frames()[..., ::-1])
    with local_video(Input(array, 'mine'), FPS) as video:
        assert (len(video), video.fps) == (LENGTH, FPS)
        assert video.size == (WIDTH, HEIGHT)
        assert np.array_equal(video.read([3, 3])[1], array[3])
    for wrong in (array[0], array.astype(np.float32), array[:0],
                  array[..., :2]):
        with pytest.raises(DataError, match='mine: frames in memory are'):
            with local_video(Input(wrong, 'mine')):
                pass


def test_frames_that_are_too_small_are_refused(tmp_path):
    write_folder(tmp_path / 'tiny', np.zeros((3, 1, 1, 3), np.uint8))
    with pytest.raises(DataError, match='tiny are 1x1 pixels; both sides'):
        with local_video(Input(str(tmp_path / 'tiny'), 'tiny')):
            pass


class Camera:
    """A camera of 12.5 frames a second; time is that of the frames."""

    def __init__(self, count):
        self.count, self.read_so_far = count, 0

    def __call__(self, source):
        self.index = source
        return self

    def monotonic(self):
        return self.read_so_far / FPS

    def isOpened(self):
        return self.count > 0

    def read(self):
        if self.read_so_far == self.count:
            return False, None
        self.read_so_far += 1
        return True, frames()[self.read_so_far % LENGTH]

    def release(self):
        pass


@pytest.mark.parametrize('count, seconds, expected', [(100, 2, 25),
                                                      (10, 5, 10)])
def test_cameras_are_recorded_at_the_rate_that_comes(monkeypatch, count,
                                                     seconds, expected):
    camera = Camera(count)
    capture = cv2.VideoCapture
    monkeypatch.setattr(
        'mmevad.apis.camera.cv2.VideoCapture', lambda x: capture(x)
        if isinstance(x, str) else camera(x))
    monkeypatch.setattr('mmevad.apis.camera.time', camera)
    with local_video(Input(3, 'camera_3'), camera_seconds=seconds) as video:
        assert camera.index == 3
        assert len(video) == expected
        assert video.fps == pytest.approx(FPS)
        assert video.size == (WIDTH, HEIGHT)
        path = video.path
        found = video.read([expected - 1])[0][:20, -20:].mean()
        assert found == pytest.approx(8 * (expected % LENGTH), abs=8)
    assert not os.path.exists(path)


def test_a_camera_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr('mmevad.apis.camera.cv2.VideoCapture', Camera(0))
    with pytest.raises(DataError, match='camera 9 gives no frames'):
        with local_video(Input(9, 'camera_9')):
            pass
