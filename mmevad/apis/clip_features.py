# Copyright (c) mmevad authors. All rights reserved.
"""Features of all clips of a video, for temporal localization."""
import hashlib
import re
from itertools import islice
from typing import Any, Dict, Iterator, List, Optional, Union

import numpy as np
import torch
from mmaction.models import BaseRecognizer
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from mmevad.models.evad import EVAD, KeyframeTokenPruneViT
from mmevad.models.evad.actor_head import PERSON
from mmevad.utils.errors import DataError
from mmevad.utils.video_reader import VideoReader, open_video
from .clips import (build_transforms, count_clips, find_clip_shape, pack_clip,
                    sliding_clips, split_pipeline)
from .feature_pooling import MAP_POOLS, TOKEN_POOLS, parse_pools, pool_outputs
from .inputs import checked
from .model_loading import find_test_dataset, load_model, open_device
from .model_zoo import ModelType, find_model

ACTIONS = 'actions'


class ClipFeatureExtractor:
    """Runs a trained backbone over a whole video, clip by clip.

    Feature ``g`` sees the frames ``[g * feat_stride, g * feat_stride +
    num_frames)``, see :class:`FeatureGrid`, and every such window that lies
    inside the video has a feature. ``num_frames`` is ``clip_len *
    frame_interval``, so the middle of the window is the keyframe of EVAD.

    Frames go through the config's own test pipeline and data preprocessor.
    A pipeline with several crops gives the mean of their features.

    Args:
        config (str, dict or Config): Of a recognizer of mmaction2 or of
            EVAD, see :func:`find_model`, with the test pipeline in
            ``test_dataloader.dataset``.
        weights (str, optional): Checkpoint of that model; None takes that of
            the zoo.
        feat_stride (int): Frames from one feature to the next.
        clip_len (int, optional): Frames of a clip; by default the config's.
        frame_interval (int, optional): Frames from one to the next of them;
            by default the config's.
        layer (str): What is taken, one or several joined by '+', of which
            the channels are joined. 'backbone': what the backbone gives.
            'backbone.layer3' and the like: a part of it, whose output may be
            (clips, channels, ...) or, with three dimensions, (clips, tokens,
            channels). 'actions': what EVAD's heads make of the clip, see
            :func:`score_actions`, the persons in place of the tokens.
            Defaults to 'backbone'.
        pool (str): How each is pooled over time and space, one or several
            joined by '+': 'mean', 'max', and for EVAD's backbone alone
            'keyframe_mean', 'keyframe_max'. Defaults to 'mean'.
        device (str, optional): By default CUDA if there is any, else the
            CPU.
        fp16 (bool): Mixed precision, bfloat16 on a CPU. Defaults to False.

    Raises:
        DataError: If the config is missing or of no use for this, or the
            device is not there.
        CheckpointError: If the weights are missing, cannot be read or are
            not those of the model.
        ValueError: If a number is less than 1.
    """

    def __init__(self,
                 config: ModelType,
                 weights: Optional[str],
                 feat_stride: int,
                 *,
                 clip_len: Optional[int] = None,
                 frame_interval: Optional[int] = None,
                 layer: str = 'backbone',
                 pool: str = 'mean',
                 device: Optional[str] = None,
                 fp16: bool = False) -> None:
        cfg, weights = find_model(config, weights)
        dataset = find_test_dataset(cfg)
        if dataset.get('modality', 'RGB') != 'RGB':
            raise DataError('Features are made of RGB frames, but the '
                            f'config tests on {dataset.modality}.')
        sampler, steps = split_pipeline(dataset.get('pipeline') or [])
        self.shape = find_clip_shape(sampler, clip_len, frame_interval)
        if min(feat_stride, *self.shape) < 1:
            raise ValueError('feat_stride, clip_len and frame_interval must '
                             'be at least 1')
        self.feat_stride = feat_stride
        self.transforms = build_transforms(steps)
        # transforms of ground truth find none
        self.ground_truth = {} if sampler['type'] != 'SampleAVAFrames' else (
            dict(
                gt_bboxes=np.zeros((0, 4), np.float32),
                gt_labels=np.zeros((0, 1), np.float32)))
        self.device = open_device(device)
        self.fp16 = fp16
        # of the config, before it is used up by the building
        text = f'{cfg.model} {list(steps)}'
        self.model, _ = load_model(cfg.model, weights, self.device)
        if not isinstance(self.model, (EVAD, BaseRecognizer)):
            raise DataError('Features are made by recognizers of mmaction2 '
                            f'or by EVAD, not by {type(self.model).__name__}.')
        self.layers = layer.split('+')
        self.parts = {
            name: self._find_part(name)
            for name in self.layers
            if name != ACTIONS or not isinstance(self.model, EVAD)
        }
        prunes = isinstance(self.model.backbone, KeyframeTokenPruneViT)
        self.pools = parse_pools(
            pool, TOKEN_POOLS
            if prunes and self.layers == ['backbone'] else MAP_POOLS)
        self.settings = dict(
            feat_stride=feat_stride,
            num_frames=self.shape.num_frames,
            **self.shape._asdict(),
            layer=layer,
            pool=pool,
            fp16=fp16,
            model=hashlib.sha256(text.encode()).hexdigest()[:16],
            weights=hash_weights(self.model))

    def preprocess(self, indices: np.ndarray,
                   images: List[np.ndarray]) -> Dict[str, Any]:
        """Clip -> sample, as the config's dataset packs it."""
        return pack_clip(images, indices, self.shape.frame_interval,
                         self.transforms, **self.ground_truth)

    @torch.no_grad()
    def forward(self, samples: List[Dict[str, Any]]) -> Tensor:
        """Samples -> features (B, C) float32."""
        data = self.model.data_preprocessor(pseudo_collate(samples), False)
        inputs = data['inputs']
        dtype = torch.float16 if inputs.is_cuda else torch.bfloat16
        with torch.autocast(inputs.device.type, dtype, enabled=self.fp16):
            outputs = self._run(inputs, data['data_samples'])
        vectors = pool_outputs(outputs, self.pools).float()
        # crops and, in 2D models, frames are rows of their own
        return vectors.unflatten(0, (len(samples), -1)).mean(1)

    def _run(self, inputs: Tensor, data_samples: list) -> List[Any]:
        """What is to be pooled, of every layer."""
        model = self.model
        caught: Dict[str, Any] = {}
        hooks = [
            part.register_forward_hook(lambda module, args, output, name=name:
                                       caught.update({name: output}))
            for name, part in self.parts.items()
        ]
        try:
            if ACTIONS in self.layers:
                caught[ACTIONS] = score_actions(*model(inputs, data_samples))
            elif isinstance(model, EVAD):
                sizes = [sample.img_shape[:2] for sample in data_samples]
                model.backbone(inputs, sizes)
            else:
                caught['backbone'] = model.extract_feat(inputs, 'backbone')[0]
        finally:
            for hook in hooks:
                hook.remove()
        idle = [name for name in self.layers if name not in caught]
        if idle:
            raise DataError(f'The layer {idle[0]!r} gives no output of its '
                            'own when the model runs; take another.')
        return [caught[name] for name in self.layers]

    def num_features(self, video: VideoReader) -> int:
        """How many features a video has.

        Raises:
            DataError: If it is shorter than a clip.
        """
        total = count_clips(len(video), self.shape, self.feat_stride)
        if not total:
            raise DataError(
                f'{video.path} has {len(video)} frames, but a clip of '
                f'{self.shape.clip_len} frames with frame_interval '
                f'{self.shape.frame_interval} takes {self.shape.num_frames}; '
                'use a longer video or shorter clips.')
        return total

    def stream(self,
               video: VideoReader,
               batch_size: int = 8) -> Iterator[np.ndarray]:
        """Features of one video, a batch at a time.

        At most ``num_frames`` frames and a batch of clips are held, however
        long the video is.

        Args:
            video (VideoReader): The video.
            batch_size (int): Clips that go through the model together.

        Yields:
            np.ndarray: (b, C) float32, in the order of time.

        Raises:
            DataError: As calling does.
        """
        total = self.num_features(checked(video))
        clips = sliding_clips(video, self.shape, self.feat_stride)
        done = 0
        for batch in iter(lambda: list(islice(clips, batch_size)), []):
            features = self.forward([self.preprocess(*clip)
                                     for clip in batch]).cpu().numpy()
            wrong = ~np.isfinite(features).all(1)
            if wrong.any():
                first = done + int(wrong.argmax())
                raise DataError(
                    f'{video.path}: feature {first} of {total}, from frame '
                    f'{first * self.feat_stride} on, is NaN or infinite; ' +
                    ('leave out fp16.' if self.
                     fp16 else 'check the checkpoint for such weights.'))
            done += len(features)
            yield features

    def __call__(self,
                 video: Union[str, VideoReader],
                 batch_size: int = 8) -> np.ndarray:
        """Features of one video.

        Args:
            video (str or VideoReader): File, folder of frames, or reader.
            batch_size (int): Clips that go through the model together.

        Returns:
            np.ndarray: (T, C) float32.

        Raises:
            DataError: If the video cannot be read or is shorter than a
                clip, its frames are too small, or a feature is not finite.
        """
        if isinstance(video, str):
            video = open_video(video, forward=True)
        return np.concatenate(list(self.stream(video, batch_size)))

    def _find_part(self, name: str) -> nn.Module:
        parts = dict(self.model.named_modules())
        if name.split('.')[0] != 'backbone' or name not in parts:
            known = [x for x in parts if re.fullmatch(r'backbone\.[^.]*', x)]
            more = [ACTIONS] if isinstance(self.model, EVAD) else []
            raise DataError(f'There is no layer {name!r}; the model has '
                            f'{["backbone"] + more + known} and parts of '
                            'these.')
        return parts[name]


def score_actions(person_logits: Tensor, boxes: Tensor,
                  action_logits: Tensor) -> Tensor:
    """Who does what, of all queries of EVAD.

    Args:
        person_logits (Tensor): (B, n, 2).
        boxes (Tensor): (B, n, 4); unused, features know no places.
        action_logits (Tensor): (B, n, classes).

    Returns:
        Tensor: (B, n, classes), action probability times that of a person.
    """
    persons = person_logits.float().softmax(-1)[..., PERSON, None]
    return action_logits.float().sigmoid() * persons


def hash_weights(model: nn.Module) -> str:
    """The same 16 digits for the same weights, whatever file they are in."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
