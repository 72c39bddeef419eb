# Copyright (c) mmevad authors. All rights reserved.
"""Reading frames of video files."""
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import open_video


@TRANSFORMS.register_module()
class VideoFrameDecode(BaseTransform):
    """``RawFrameDecode`` for a video file: frames by their exact number.

    decord reads the file; if it cannot, which happens with the mpeg4 clips of
    UCF101, OpenCV reads it from the start, because seeking in such files is
    inexact. mmaction2's ``OpenCVInit`` trusts the number of frames in the
    header, which such files lack, and its ``OpenCVDecode`` and ``PyAVDecode``
    leave boxes in [0, 1].

    Required keys: filename, frame_inds (counted from 0). Added keys: imgs
    (h, w, 3) uint8 RGB each, img_shape, original_shape. Modified keys:
    gt_bboxes, from [0, 1] to pixels, float32.

    Raises:
        DataError: If the file is missing or ends too early.
    """

    def transform(self, results: dict) -> dict:
        """Decode."""
        inds = np.asarray(results['frame_inds']).reshape(-1).tolist()
        reader = open_video(results['filename'])
        if max(inds) >= len(reader):
            raise DataError(
                f'{results["filename"]} has {len(reader)} readable frames, '
                f'but frame {max(inds) + 1} was asked for; get the video '
                'anew.')
        results['imgs'] = reader.read(inds)
        height, width = results['imgs'][0].shape[:2]
        results['img_shape'] = results['original_shape'] = (height, width)
        if 'gt_bboxes' in results:
            size = np.array([width, height, width, height])
            results['gt_bboxes'] = (results['gt_bboxes'] * size).astype(
                np.float32)
        return results

    def __repr__(self) -> str:
        return f'{self.__class__.__name__}()'
