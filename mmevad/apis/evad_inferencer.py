# Copyright (c) mmevad authors. All rights reserved.
"""EVADInferencer: a model and videos -> actors and actions."""
import logging
import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from rich.progress import track

from mmevad.models.evad import EVAD
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import write_json
from mmevad.utils.video_reader import VideoReader
from .action_names import choose_classes, find_action_names
from .clips import (build_transforms, keyframe_indices, pack_clip,
                    split_pipeline)
from .evad_outputs import (Detection, Keyframe, Shown, describe, draw_sheet,
                           drawn_frames, to_dict, write_video)
from .inputs import InputsType, list_inputs, local_video
from .model_loading import (find_test_dataset, load_model, open_device,
                            stored_classes)
from .model_zoo import ModelType, find_model
from .windows import (make_folder, require_folder, require_window, show_images,
                      write_image)


class EVADInferencer:
    """Detects persons and their actions on keyframes of videos.

    Called as the inferencers of OpenMMLab are. It does not derive from
    mmengine's ``BaseInferencer``, which takes whatever weights fit, and
    keeps all inputs and outputs in memory: one item there is an image, here
    it is a video.

    Clips are made by the config's own test pipeline: as many frames around a
    keyframe, as far apart and as large as in testing. Distances are counted
    in frames, so a video should have about the frame rate of the training
    data. At the ends of a video, its first or last frame is repeated.

    Args:
        model (str, dict or Config): Name in the zoo (``mim search mmevad``),
            path of a config, or the config, with the test pipeline in
            ``test_dataloader.dataset``.
        weights (str, optional): Path or URL of the checkpoint; by default
            that of the zoo.
        device (str, optional): By default CUDA if there is any, else the
            CPU.
        label_map (str, optional): .pbtxt file with the names of the actions;
            by default those in the checkpoint, or in the config.
        person_score_thr (float, optional): Persons with a lower score are
            left out; by default the config's.
        short_side (int, optional): Frames are brought to this shorter side
            before the pipeline sees them. For configs without a Resize,
            whose training frames were small already.

    Raises:
        DataError: If the config or the label map is missing or wrong, or the
            device is not there.
        CheckpointError: If the weights are missing, cannot be read or are
            not those of the model.
    """

    def __init__(self,
                 model: ModelType,
                 weights: Optional[str] = None,
                 device: Optional[str] = None,
                 label_map: Optional[str] = None,
                 person_score_thr: Optional[float] = None,
                 short_side: Optional[int] = None) -> None:
        self.cfg, weights = find_model(model, weights)
        dataset = find_test_dataset(self.cfg)
        self._init_pipeline(dataset.get('pipeline') or [], short_side)
        self.device = open_device(device)
        self.model, meta = load_model(self.cfg.model, weights, self.device)
        if not isinstance(self.model, EVAD):
            raise DataError('EVADInferencer runs EVAD, but the config is of '
                            f'{type(self.model).__name__}.')
        if person_score_thr is not None:
            self.model.person_score_thr = person_score_thr
        self.classes = find_action_names(
            self.model.context_decoder.num_classes, label_map,
            stored_classes(meta), dataset)

    def _init_pipeline(self, steps: Sequence[dict],
                       short_side: Optional[int]) -> None:
        sampler, steps = split_pipeline(steps, ['SampleAVAFrames'])
        self.sample = TRANSFORMS.build(dict(sampler, test_mode=True))
        if short_side is not None:
            # area, as frames are made smaller when they are extracted
            steps.insert(
                0,
                dict(
                    type='Resize',
                    scale=(-1, short_side),
                    interpolation='area'))
        self.transforms = build_transforms(steps)

    def clip_indices(self, keyframe: int, num_frames: int) -> np.ndarray:
        """Frames of the clip around a keyframe.

        Args:
            keyframe (int): From 0.
            num_frames (int): Of the video.

        Returns:
            np.ndarray: (clip_len, ) in [0, num_frames).
        """
        return self.sample(
            dict(
                fps=1,
                timestamp=keyframe,
                timestamp_start=0,
                total_frames=num_frames))['frame_inds']

    def preprocess(self, video: VideoReader, keyframe: int) -> Dict:
        """Clip and sample of one keyframe, as the config's dataset packs it.

        Returns:
            dict: ``inputs`` (3, T, H, W) uint8 and ``data_samples``.
        """
        indices = self.clip_indices(keyframe, len(video))
        return pack_clip(
            video.read(indices.tolist()),
            indices,
            self.sample.frame_interval,
            self.transforms,
            video_id=video.path,
            timestamp=keyframe,
            img_key=f'{video.path},{keyframe:04d}',
            # transforms of ground truth find none
            gt_bboxes=np.zeros((0, 4), np.float32),
            gt_labels=np.zeros((0, len(self.classes) + 1), np.float32))

    @torch.no_grad()
    def forward(self, samples: Sequence[Dict]) -> List:
        """Samples with ``pred_instances``, see :meth:`EVAD.predict`."""
        return self.model.test_step(pseudo_collate(samples))

    def postprocess(self, sample: Any, video: VideoReader,
                    keyframe: int) -> Keyframe:
        """Boxes in pixels of the video, only of what passes for a person."""
        found = sample.pred_instances.cpu().numpy()
        order = np.argsort(-found.person_scores, kind='stable')
        boxes = found.bboxes * np.array(video.size * 2)
        persons = [
            Detection(boxes[i], float(found.person_scores[i]),
                      found.scores[i, 1:]) for i in order
            # the model keeps all of a clip in which nobody passes
            if found.person_scores[i] >= self.model.person_score_thr
        ]
        return Keyframe(keyframe, keyframe / video.fps, persons)

    def detect(self,
               video: VideoReader,
               every: Union[int, str] = 12,
               batch_size: int = 4) -> Iterator[Keyframe]:
        """Detect on the keyframes of one video.

        Args:
            video (VideoReader): See :func:`open_video`.
            every (int or str): See :func:`keyframe_indices`.
            batch_size (int): Clips that go through the model together.

        Yields:
            Keyframe: In the order of time, as soon as it is known.

        Raises:
            DataError: If the video cannot be read.
            ValueError: If a number is less than 1.
        """
        if batch_size < 1:
            raise ValueError('batch_size must be at least 1')
        span = (self.sample.clip_len - 1) * self.sample.frame_interval + 1
        if len(video) < span:
            print_log(
                f'{video.path} has {len(video)} frames, fewer than the '
                f'{span} of a clip: its first and last are repeated.',
                logger='current',
                level=logging.WARNING)
        keyframes = keyframe_indices(every, video.fps, len(video))
        for start in range(0, len(keyframes), batch_size):
            batch = keyframes[start:start + batch_size]
            samples = self.forward([self.preprocess(video, k) for k in batch])
            for keyframe, sample in zip(batch, samples):
                yield self.postprocess(sample, video, keyframe)

    def __call__(self,
                 inputs: InputsType,
                 batch_size: int = 4,
                 out_dir: str = '',
                 show: bool = False,
                 return_vis: bool = False,
                 show_progress: bool = True,
                 print_result: bool = False,
                 *,
                 every: Union[int, str] = 12,
                 top_k: int = 3,
                 score_thr: float = .3,
                 classes: Optional[Sequence[str]] = None,
                 fps: Optional[float] = None,
                 camera_seconds: float = 10.) -> Dict[str, list]:
        """Detect, and write or show what was found.

        Args:
            inputs: See :func:`list_inputs`: path or URL of a video, folder
                of its frames or of videos, index of a camera, (T, h, w, 3)
                uint8 RGB, or a list of these.
            batch_size (int): Clips that go through the model together.
            out_dir (str): Where to write ``<video>.json``,
                ``<video>_actions.mp4`` and ``<video>_actions.png``, a sheet
                of keyframes; '' writes nothing.
            show (bool): Play each video with what was found.
            return_vis (bool): Return the sheets.
            show_progress (bool): Show a progress bar.
            print_result (bool): Print a line for each keyframe.
            every (int or str): See :func:`keyframe_indices`.
            top_k (int): Actions of a person, at most.
            score_thr (float): Actions with a lower score are left out.
            classes (list[str], optional): Only these actions.
            fps (float, optional): Frame rate instead of the video's; that
                of folders and arrays is 25 by default.
            camera_seconds (float): How long to record from a camera.

        Returns:
            dict: ``predictions``: for each video a dict that fits into JSON,
            see :func:`to_dict`. ``visualization``: with ``return_vis`` for
            each video its sheet (H, W, 3) uint8 RGB, else empty.

        Raises:
            DataError: If an input is missing or cannot be read, a class is
                unknown, or ``out_dir`` cannot be written to.
            ValueError: If a number is less than 1.
        """
        shown = Shown(self.classes, top_k, score_thr,
                      choose_classes(self.classes, classes))
        require_folder(out_dir)
        if show:
            require_window()
        results: Dict[str, list] = dict(predictions=[], visualization=[])
        for item in list_inputs(inputs):
            with local_video(item, fps, camera_seconds) as video:
                total = len(keyframe_indices(every, video.fps, len(video)))
                keyframes = []
                for keyframe in track(
                        self.detect(video, every, batch_size),
                        total=total,
                        description=item.name,
                        disable=not show_progress):
                    keyframes.append(keyframe)
                    if print_result:
                        print(describe(keyframe, shown))
                results['predictions'].append(to_dict(video, keyframes, shown))
                if out_dir:
                    self._write(
                        osp.join(out_dir, item.name), video, keyframes, shown)
                if return_vis:
                    sheet = draw_sheet(video, keyframes, shown)
                    results['visualization'].append(sheet[..., ::-1])
                if show:
                    show_images(
                        drawn_frames(video, keyframes, shown), item.name,
                        video.fps)
        return results

    @staticmethod
    def _write(stem: str, video: VideoReader, keyframes: Sequence[Keyframe],
               shown: Shown) -> None:
        make_folder(osp.dirname(stem))
        write_json(f'{stem}.json', to_dict(video, keyframes, shown))
        # never the name of the input
        write_video(f'{stem}_actions.mp4', video, keyframes, shown)
        write_image(f'{stem}_actions.png', draw_sheet(video, keyframes, shown))
