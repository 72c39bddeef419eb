# Copyright (c) mmevad authors. All rights reserved.
import cv2
import numpy as np
import pytest

from mmevad.apis.windows import require_window, show_images, write_image
from mmevad.utils.errors import DataError

IMAGE = np.zeros((4, 6, 3), np.uint8)


def test_without_a_screen_nothing_is_opened(monkeypatch):
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    with pytest.raises(DataError, match='show needs a screen'):
        require_window()


def test_an_opencv_without_windows_is_noticed(monkeypatch):
    monkeypatch.setenv('DISPLAY', ':0')

    def fail(name):
        raise cv2.error('not implemented')

    monkeypatch.setattr(cv2, 'namedWindow', fail)
    with pytest.raises(DataError, match='rather than opencv-python-headless'):
        require_window()


@pytest.mark.parametrize('fps, wait', [(0, 0), (12.5, 80), (1e6, 1)])
def test_pictures_are_shown_until_a_key(monkeypatch, fps, wait):
    seen, waits = [], []
    keys = iter((-1, ord('q'), -1))
    monkeypatch.setattr(cv2, 'imshow', lambda name, x: seen.append(x))
    monkeypatch.setattr(cv2, 'waitKey', lambda x:
                        (waits.append(x), next(keys))[1])
    monkeypatch.setattr(cv2, 'destroyWindow', lambda name: None)
    show_images([IMAGE] * 3, 'title', fps)
    assert len(seen) == 2 and waits == [wait] * 2


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    write_image(str(tmp_path / 'a.png'), IMAGE)
    assert np.array_equal(cv2.imread(str(tmp_path / 'a.png')), IMAGE)
    with pytest.raises(DataError, match='a.png cannot be written'):
        write_image(str(tmp_path / 'none' / 'a.png'), IMAGE)
