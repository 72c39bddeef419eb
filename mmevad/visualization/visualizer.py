# Copyright (c) mmevad authors. All rights reserved.
"""Visualiser of detections in space and in time."""
import os
from typing import Optional, Sequence

import cv2
from mmaction.registry import VISUALIZERS
from mmaction.structures import ActionDataSample
from mmaction.visualization import ActionVisualizer
from mmengine.dist import master_only
from torch import Tensor

from mmevad.utils.errors import DataError
from .naming import file_stem, picture_path
from .samples import draw_keyframe, draw_segments


@VISUALIZERS.register_module()
class DetectionVisualizer(ActionVisualizer):
    """mmaction2's visualiser, for samples of EVAD and ActionFormer.

    Arguments are those of ``ActionVisualizer``, such as ``vis_backends``:
    pictures go to the work directory (``LocalVisBackend``), TensorBoard or
    Weights & Biases, as these list.
    """

    @master_only
    def add_datasample(self,
                       name: str,
                       inputs: Tensor,
                       data_sample: ActionDataSample,
                       classes: Optional[Sequence[str]] = None,
                       top_k: int = 3,
                       max_segments: int = 20,
                       score_thr: float = 0.1,
                       show: bool = False,
                       wait_time: float = 0,
                       out_dir: Optional[str] = None,
                       step: int = 0) -> None:
        """Draw ground truth and prediction of a sample.

        Args:
            name (str): Title, and name of the file.
            inputs (Tensor): Clip (3, T, H, W) in RGB, 0 to 255, of which the
                middle is drawn on; or features (C, T).
            data_sample (ActionDataSample): With ``pred_instances``.
            classes (list[str], optional): Names, without background.
                Defaults to None: those of the dataset's metainfo, if any.
            top_k (int): Most actions of a person. Defaults to 3.
            max_segments (int): Most segments of a video. Defaults to 20.
            score_thr (float): Less sure actions and segments are left out.
                Defaults to 0.1.
            show (bool): Whether to open a window. Defaults to False.
            wait_time (float): Seconds before it closes; 0 waits for a key.
            out_dir (str, optional): Folder for PNG files; the back ends get
                nothing then. Defaults to None.
            step (int): Of the training. Defaults to 0.

        Raises:
            DataError: If a file cannot be written.
        """
        if classes is None:
            classes = (self.dataset_meta or {}).get('classes')
        if inputs.dim() == 4:
            picture = draw_keyframe(inputs, data_sample, classes, name, top_k,
                                    score_thr)
        else:
            picture = draw_segments(data_sample, classes, name, max_segments,
                                    score_thr)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_dir is None:
            self.add_image(file_stem(name), picture, step)
            return
        os.makedirs(out_dir, exist_ok=True)
        path = picture_path(out_dir, name, f'_{step}')
        if not cv2.imwrite(path, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
            raise DataError(f'{path} cannot be written.')
