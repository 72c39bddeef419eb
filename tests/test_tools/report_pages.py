# Copyright (c) mmevad authors. All rights reserved.
"""Reading a page that Playwright has opened."""
import base64

import cv2
import numpy as np


def pixels(page, selector='#overlay'):
    """(H, W, 4) RGBA of a canvas."""
    url = page.eval_on_selector(selector, 'x => x.toDataURL()')
    raw = np.frombuffer(base64.b64decode(url.split(',')[1]), np.uint8)
    return cv2.cvtColor(
        cv2.imdecode(raw, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


def edge(picture, box):
    """Pixels in the middle of the lower edge of a box, (5, 5, 4)."""
    height, width = picture.shape[:2]
    x = round((box[0] + box[2]) / 2 * width)
    y = min(round(box[3] * height), height - 3)
    return picture[y - 2:y + 3, x - 2:x + 3]


def video_time(page):
    return page.eval_on_selector('video', 'x => x.currentTime')


def grey_of_video(page):
    """Grey of the upper right corner of the shown frame, 8 times its number.
    """
    return page.eval_on_selector(
        'video', """(video) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0);
      return context.getImageData(canvas.width - 8, 5, 1, 1).data[0];
    }""")


def wait_for_seek(page):
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); "
        'return v.readyState >= 2 && !v.seeking; }')


def bars(page):
    return page.locator('.bar:not(.truth)').all_text_contents()
