# Copyright (c) mmevad authors. All rights reserved.
"""Recording from a camera."""
import time

import cv2

from mmevad.utils.errors import DataError


def record_camera(index: int, seconds: float, path: str) -> float:
    """Record for a while.

    A clip needs frames from after its keyframe, and localization the whole
    video, so a camera is recorded first.

    Args:
        index (int): Of the camera, from 0.
        seconds (float): How long.
        path (str): File to write, .avi.

    Returns:
        float: Frames per second that came; what cameras state is often
        wrong.

    Raises:
        DataError: If there is no such camera, or it gives no frames.
    """
    camera = _open_camera(index)
    writer = None
    count, start = 0, time.monotonic()
    try:
        while camera.isOpened() and time.monotonic() - start < seconds:
            good, image = camera.read()
            if not good:
                break
            if writer is None:
                # the rate in the file is overridden by the measured one
                writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'),
                                         25, image.shape[1::-1])
            writer.write(image)
            count += 1
        elapsed = time.monotonic() - start
    finally:
        camera.release()
        if writer is not None:
            writer.release()
    if not count:
        raise DataError(f'The camera {index} gives no frames; cameras count '
                        'from 0: connect it, close other programs that use '
                        'it, or name a video file.')
    return count / elapsed


def _open_camera(index: int) -> cv2.VideoCapture:
    """Without OpenCV's own lines about a camera that is not there."""
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(index)
    finally:
        logging.setLogLevel(level)
