# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest

from mmevad.utils.video_reader import FolderReader, OpenCVReader, open_video
from mmevad.utils.errors import DataError
from ..test_apis.small import (FPS, HEIGHT, LENGTH, WIDTH, frames, write_folder,
                    write_video)


def numbers(images):
    """Which frames these are, from the grey in their corner."""
    return [round(float(x[:20, -20:].mean()) / 8) for x in images]


@pytest.fixture(scope='module')
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp('reader')
    write_video(root / 'clip.mp4', frames())
    write_folder(root / 'frames', frames())
    return dict(file=str(root / 'clip.mp4'), folder=str(root / 'frames'))


@pytest.fixture(params=['decord', 'opencv', 'folder'])
def reader(request, paths):
    if request.param == 'folder':
        return open_video(paths['folder'], FPS)
    if request.param == 'opencv':
        return OpenCVReader(paths['file'])
    module = pytest.importorskip('decord')
    reader = open_video(paths['file'])
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
