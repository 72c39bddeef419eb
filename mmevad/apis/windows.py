# Copyright (c) mmevad authors. All rights reserved.
"""Pictures to the screen or to files."""
import os
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
