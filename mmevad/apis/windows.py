# Copyright (c) mmevad authors. All rights reserved.
"""Pictures to the screen or to files."""
import os
import os.path as osp
import sys
from typing import Iterable

import cv2
import numpy as np

from mmevad.utils.errors import DataError

_CLOSE = (27, ord('q'))


def require_window() -> None:
    """Raise before anything is computed if no window can be opened.

    Raises:
        DataError: If there is no screen, or OpenCV was built without
            windows.
    """
    screen = not sys.platform.startswith('linux') or any(
        os.environ.get(name) for name in ('DISPLAY', 'WAYLAND_DISPLAY'))
    try:
        if screen:  # without one, Qt would end the process
            cv2.namedWindow('mmevad')
            cv2.destroyWindow('mmevad')
            return
    except cv2.error:
        pass
    raise DataError('show needs a screen, and opencv-python rather than '
                    'opencv-python-headless; write to a folder (out_dir) '
                    'instead.')


def require_folder(path: str) -> None:
    """Raise before anything is computed if a folder cannot be written to.

    It is not made yet.

    Args:
        path (str): The folder; '' means that nothing is to be written.

    Raises:
        DataError: If it is a file, lies in one, or may not be written to.
    """
    found = osp.abspath(path)
    while not osp.exists(found):
        found = osp.dirname(found)
    if path and not osp.isdir(found):
        raise DataError(f'Results cannot be written to the folder {path}: '
                        f'{found} is a file; choose another one.')
    if path and not os.access(found, os.W_OK | os.X_OK):
        raise DataError(f'Results cannot be written to the folder {path}: '
                        f'{found} is write-protected; choose another one.')


def make_folder(path: str) -> None:
    """Make a folder for results, if it is not there.

    Raises:
        DataError: If it cannot be made.
    """
    try:
        os.makedirs(path or '.', exist_ok=True)
    except OSError as error:
        raise DataError(f'Results cannot be written to the folder {path} '
                        f'({error.strerror}); choose another '
                        'one.') from error


def show_images(images: Iterable[np.ndarray],
                title: str,
                fps: float = 0.) -> None:
    """Show pictures in a window until they end or q or Escape is pressed.

    Args:
        images (iterable[np.ndarray]): (h, w, 3) uint8 BGR.
        title (str): Of the window.
        fps (float): Pictures a second; 0 waits for a key after each.
    """
    for image in images:
        cv2.imshow(title, image)
        if cv2.waitKey(max(1, round(1000 / fps)) if fps else 0) in _CLOSE:
            break
    cv2.destroyWindow(title)


def write_image(path: str, image: np.ndarray) -> None:
    """Write a picture, (h, w, 3) uint8 BGR.

    Raises:
        DataError: If the file cannot be written.
    """
    if not cv2.imwrite(path, image):
        raise DataError(f'{path} cannot be written; choose another folder.')
