# Copyright (c) mmevad authors. All rights reserved.
import struct

import cv2
import numpy as np
import pytest

from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import (ArrayReader, FolderReader, OpenCVReader,
                                       open_video)
from ..test_apis.small import (FPS, HEIGHT, LENGTH, WIDTH, frames,
                               write_folder, write_video)


def numbers(images):
    """Which frames these are, from the grey in their corner."""
    return [round(float(x[:20, -20:].mean()) / 8) for x in images]


@pytest.fixture(scope='module')
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp('reader')
    write_video(root / 'clip.mp4', frames())
    write_folder(root / 'frames', frames())
    return dict(file=str(root / 'clip.mp4'), folder=str(root / 'frames'))


@pytest.fixture(params=['decord', 'forward', 'opencv', 'folder'])
def reader(request, paths):
    if request.param == 'folder':
        return open_video(paths['folder'], FPS)
    if request.param == 'opencv':
        return OpenCVReader(paths['file'])
    module = pytest.importorskip('decord')
    reader = open_video(paths['file'], forward=request.param == 'forward')
    assert isinstance(reader._video, module.VideoReader)
    return reader


def test_any_order_gives_the_frames_asked_for(reader):
    assert len(reader) == LENGTH
    assert reader.fps == FPS
    assert reader.size == (WIDTH, HEIGHT)
    for indices in ([0, 0, 0, 3, 6], [29, 2, 2], [28], [0], [5, 29, 29, 6]):
        images = reader.read(indices)
        assert numbers(images) == indices
        assert images[0].shape == (HEIGHT, WIDTH, 3)


def test_frames_are_rgb(reader):
    red, green, blue = reader.read([1])[0][50, 16].astype(int)
    assert red > 200 and 150 < green < 235 and blue < 90


def test_opencv_decodes_once_and_keeps_few_frames(paths):
    reader = OpenCVReader(paths['file'])
    opened = []
    reopen = reader._open
    reader._open = lambda: (opened.append(1), reopen())
    for start in range(0, 24, 2):
        reader.read([start, start + 6])
        assert len(reader._kept) == 7
    assert not opened
    reader.read([0])
    assert len(opened) == 1


def test_a_frame_rate_can_be_given(paths):
    assert open_video(paths['file'], 30.).fps == 30
    assert open_video(paths['folder']).fps == 25


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match='clip.mp4 does not exist'):
        open_video(str(tmp_path / 'clip.mp4'))
    (tmp_path / 'clip.mp4').write_text('no video')
    with pytest.raises(DataError, match='cannot be read as a video'):
        open_video(str(tmp_path / 'clip.mp4'))
    with pytest.raises(DataError, match='holds no images'):
        open_video(str(tmp_path))


def test_frames_of_two_sizes_are_refused(tmp_path):
    images = list(frames()[:3])
    write_folder(tmp_path / 'a', images[:2] + [images[2][:48]])
    reader = FolderReader(str(tmp_path / 'a'))
    reader.read([0, 1])
    with pytest.raises(DataError, match='img_3.png is 128x48.* 128x96'):
        reader.read([0, 2])


def test_a_broken_image_is_named(tmp_path):
    write_folder(tmp_path / 'a', frames()[:2])
    (tmp_path / 'a' / 'img_2.png').write_text('no image')
    with pytest.raises(DataError, match='img_2.png cannot be read'):
        open_video(str(tmp_path / 'a')).read([1])


def test_names_are_sorted_by_number(paths):
    reader = open_video(paths['folder'])
    assert [f.rsplit('_')[-1]
            for f in reader.files[:11]] == [f'{i}.png' for i in range(1, 12)]
    assert np.array_equal(reader.read([9])[0][..., ::-1], frames()[9])


def rotate(path, target):
    """As a phone held upright does: the same frames, to be turned by 90."""
    content = bytearray(path.read_bytes())
    matrix = content.find(b'tkhd') + 4 + 40
    one = 1 << 16
    content[matrix:matrix + 36] = struct.pack('>9i', 0, one, 0, -one, 0, 0,
                                              HEIGHT * one, 0, 1 << 30)
    target.write_bytes(content)


def test_a_portrait_video_of_a_phone_is_upright(tmp_path):
    write_video(tmp_path / 'lying.mp4', frames())
    rotate(tmp_path / 'lying.mp4', tmp_path / 'upright.mp4')
    lying = open_video(str(tmp_path / 'lying.mp4')).read([5])[0]
    for make in (open_video, OpenCVReader):
        video = make(str(tmp_path / 'upright.mp4'))
        assert video.size == (HEIGHT, WIDTH)
        found = video.read([5])[0]
        assert np.array_equal(found, np.rot90(lying, -1))


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / 'empty.mp4').write_bytes(b'')
    with pytest.raises(DataError, match='empty.mp4 is empty .0 bytes'):
        open_video(str(tmp_path / 'empty.mp4'))


def test_fewer_frames_than_stated_are_no_video(paths, monkeypatch):
    get = cv2.VideoCapture.get
    stated = dict(count=LENGTH + 1)

    class Capture:

        def __init__(self, path):
            self._video = cv2_capture(path)

        def __getattr__(self, name):
            return getattr(self._video, name)

        def get(self, key):
            if key == cv2.CAP_PROP_FRAME_COUNT:
                return stated['count']
            return get(self._video, key)

    cv2_capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, 'VideoCapture', Capture)
    assert len(OpenCVReader(paths['file'])) == LENGTH  # one is forgiven
    stated['count'] = 60
    with pytest.raises(DataError, match='of the 60 frames .* 30 can be read'):
        OpenCVReader(paths['file'])


def test_frames_that_decord_cannot_decode_are_named(paths):
    decord = pytest.importorskip('decord')
    reader = open_video(paths['file'])

    class Broken:

        def get_batch(self, indices):
            raise decord.DECORDError('Check failed: avcodec_send_packet')

    reader._video = Broken()
    with pytest.raises(DataError, match='frames 4 to 8 of .*clip.mp4 cannot'):
        reader.read([8, 4])


def test_a_forward_reader_falls_back_on_decord(paths):
    pytest.importorskip('decord')
    reader = open_video(paths['file'], forward=True)
    forward = reader._forward
    assert numbers(reader.read([2, 4])) == [2, 4]

    def fail(indices):
        raise DataError('cannot be decoded')

    forward.read = fail
    assert numbers(reader.read([6, 8])) == [6, 8]
    forward.read = lambda indices: pytest.fail('its numbering may be off')
    assert numbers(reader.read([10])) == [10]


def test_an_image_is_no_video(paths):
    """OpenCV would read it and those that follow."""
    path = f'{paths["folder"]}/img_2.png'
    with pytest.raises(DataError, match='img_2.png is an image, not a video'):
        open_video(path)


def test_arrays():
    images = np.ascontiguousarray(frames()[..., ::-1])
    reader = ArrayReader(images, FPS)
    assert (len(reader), reader.size) == (LENGTH, (WIDTH, HEIGHT))
    assert np.array_equal(reader.read([4, 2])[0], images[4])
    assert ArrayReader(images).fps == 25
    with pytest.raises(DataError, match=r'this is \(30, 96, 128\) uint8'):
        ArrayReader(images[..., 0])
