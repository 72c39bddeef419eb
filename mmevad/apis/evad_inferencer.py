# Copyright (c) mmevad authors. All rights reserved.
"""EVADInferencer: config, weights and a video -> actors and actions."""
import os.path as osp
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Union

import numpy as np
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader

from mmevad.utils.checkpoint import (CheckpointError, check_checkpoint,
                                     weights_of)
from mmevad.utils.errors import DataError
from .action_names import find_action_names
from .video_reader import VideoReader, open_video

# what reads a video in a config; frames are given in memory here
_DECODERS = ('RawFrameDecode', 'DecordInit', 'DecordDecode', 'OpenCVInit',
             'OpenCVDecode', 'PyAVInit', 'PyAVDecode', 'ImageDecode')


class Detection(NamedTuple):
    """A person on a keyframe.

    Attributes:
        box (np.ndarray): (4, ) xyxy in pixels of the video.
        person_score (float): In [0, 1].
        scores (np.ndarray): (classes, ), of each action, without background.
    """
    box: np.ndarray
    person_score: float
    scores: np.ndarray


class Keyframe(NamedTuple):
    """The persons on one frame, the surest first."""
    index: int
    time: float
    persons: List[Detection]


class EVADInferencer:
    """Detects persons and their actions on keyframes of videos.

    Clips are made by the config's own test pipeline: as many frames around a
    keyframe, as far apart and as large as in testing. Distances are counted
    in frames, so a video should have about the frame rate of the training
    data. At the ends of a video, its first or last frame is repeated.

    Args:
        config (str or Config): Of the model, with the test pipeline in
            ``test_dataloader.dataset``.
        weights (str): Checkpoint of that model.
        device (str): Defaults to 'cpu'.
        label_map (str, optional): .pbtxt file with the names of the actions;
            by default those in the checkpoint, or in the config's
            ``label_file``.
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
                 config: Union[str, Config],
                 weights: str,
                 device: str = 'cpu',
                 label_map: Optional[str] = None,
                 person_score_thr: Optional[float] = None,
                 short_side: Optional[int] = None) -> None:
        if not isinstance(config, Config):
            if not osp.isfile(config):
                raise DataError(f'The config {config} does not exist.')
            config = Config.fromfile(config)
        if 'model' not in config or 'test_dataloader' not in config:
            raise DataError('The config needs model and test_dataloader, '
                            'whose dataset has the test pipeline.')
        self.cfg = config
        init_default_scope(config.get('default_scope', 'mmaction'))
        dataset = config.test_dataloader.dataset
        while 'pipeline' not in dataset and 'dataset' in dataset:
            dataset = dataset.dataset
        self._init_pipeline(dataset.get('pipeline') or [], short_side)
        classes = self._init_model(weights, device)
        if person_score_thr is not None:
            self.model.person_score_thr = person_score_thr
        self.classes = find_action_names(
            self.model.context_decoder.num_classes, label_map, classes,
            dataset)

    def _init_pipeline(self, steps: Sequence[dict],
                       short_side: Optional[int]) -> None:
        kinds = [step['type'] for step in steps]
        if kinds.count('SampleAVAFrames') != 1:
            raise DataError('The test pipeline of the config needs one '
                            f'SampleAVAFrames, but consists of {kinds}.')
        self.sample = TRANSFORMS.build(
            dict(steps[kinds.index('SampleAVAFrames')], test_mode=True))
        rest = [
            step for step in steps
            if step['type'] not in ('SampleAVAFrames', *_DECODERS)
        ]
        if short_side is not None:
            # area, as frames are made smaller when they are extracted
            rest.insert(
                0,
                dict(
                    type='Resize',
                    scale=(-1, short_side),
                    interpolation='area'))
        self.pipeline = [TRANSFORMS.build(step) for step in rest]

    def _init_model(self, weights: str, device: str) -> Optional[list]:
        """Build and load; returns the names that the checkpoint stores."""
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).strip().split('\n')[0]
            raise DataError(f'The device {device!r} cannot be used '
                            f'({reason}).') from error
        if '://' not in weights and not osp.isfile(weights):
            raise CheckpointError(f'The checkpoint {weights} does not exist.')
        try:
            checkpoint = CheckpointLoader.load_checkpoint(weights, 'cpu')
        except Exception as error:
            # torch goes on to advise turning its check off
            reason = str(error).strip().split('\n')[0].split('. ')[0]
            raise CheckpointError(f'The checkpoint {weights} cannot be read '
                                  f'({reason}).') from error
        if not isinstance(checkpoint, dict):
            raise CheckpointError(f'The checkpoint {weights} holds no '
                                  'weights.')
        self.model = MODELS.build(self.cfg.model)
        check_checkpoint(self.model, checkpoint, source=weights)
        self.model.load_state_dict(weights_of(checkpoint), strict=False)
        self.model.to(self.device).eval()
        meta = checkpoint.get('meta') or {}
        return (meta.get('dataset_meta') or {}).get('classes')

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
        images = video.read(indices.tolist())
        results = dict(
            imgs=images,
            img_shape=images[0].shape[:2],
            original_shape=images[0].shape[:2],
            frame_inds=indices,
            clip_len=len(indices),
            frame_interval=self.sample.frame_interval,
            num_clips=1,
            modality='RGB',
            video_id=video.path,
            timestamp=keyframe,
            img_key=f'{video.path},{keyframe:04d}',
            # transforms of ground truth find none
            gt_bboxes=np.zeros((0, 4), np.float32),
            gt_labels=np.zeros((0, len(self.classes) + 1), np.float32))
        for transform in self.pipeline:
            results = transform(results)
        return results

    @torch.no_grad()
    def forward(self, data: Sequence[Dict]) -> List:
        """Samples with ``pred_instances``, see :meth:`EVAD.predict`."""
        return self.model.test_step(pseudo_collate(data))

    def postprocess(self, sample, video: VideoReader,
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

    def __call__(self,
                 video: Union[str, VideoReader],
                 every: int = 12,
                 batch_size: int = 4) -> Iterator[Keyframe]:
        """Detect on each ``every``-th frame of a video, the first included.

        Args:
            video (str or VideoReader): File, folder of frames, or reader.
            every (int): Frames from one keyframe to the next.
            batch_size (int): Clips that go through the model together.

        Yields:
            Keyframe: In the order of time, as soon as it is known.

        Raises:
            DataError: If the video is missing or cannot be read.
            ValueError: If a number is less than 1.
        """
        if every < 1 or batch_size < 1:
            raise ValueError('every and batch_size must be at least 1')
        if isinstance(video, str):
            video = open_video(video)
        keyframes = range(0, len(video), every)
        for start in range(0, len(keyframes), batch_size):
            batch = keyframes[start:start + batch_size]
            samples = self.forward([self.preprocess(video, k) for k in batch])
            for keyframe, sample in zip(batch, samples):
                yield self.postprocess(sample, video, keyframe)
