# Copyright (c) mmevad authors. All rights reserved.
"""Predictions, and kept tokens, from a checkpoint."""
import string
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmevad.apis.action_names import find_segment_names
from mmevad.apis.evad_inferencer import EVADInferencer
from mmevad.apis.evad_outputs import Keyframe, Shown, to_dict
from mmevad.apis.model_loading import (find_test_dataset, load_model,
                                       open_device, stored_classes)
from mmevad.apis.model_zoo import find_model
from mmevad.apis.tal_outputs import to_segments
from mmevad.utils.video_reader import VideoReader
from mmevad.visualization.model_inputs import (build_split, img_shapes,
                                               preprocess)
from mmevad.visualization.token_probe import KeptTokens, probe_kept_tokens
from .content import TOP_K, KeyframeTokens, ReportSegment, TokenGrid
from .predictions import parse_video

_BATCH = 4
_DIGITS = string.digits + string.ascii_lowercase


class EVADRun:
    """An EVAD that looks at keyframes.

    Args:
        config (Config): Its config.
        checkpoint (str): Path or URL.
        device (str, optional): By default CUDA if there is any.
        score_thr (float): Actions with a lower score are left out.

    Raises:
        CheckpointError: If the weights are not those of the model.
        DataError: If the config is none of an EVAD.
    """

    def __init__(self, config: Config, checkpoint: str, device: Any,
                 score_thr: float) -> None:
        self.inferencer = EVADInferencer(config, checkpoint, device)
        classes = self.inferencer.classes
        self.shown = Shown(classes, TOP_K, score_thr, range(len(classes)))

    @property
    def classes(self) -> List[str]:
        """Names of the actions."""
        return list(self.inferencer.classes)

    def predict(self, video: VideoReader, frames: Sequence[int]) -> List:
        """Keyframes (list[ReportKeyframe]) with persons."""
        keyframes: List[Keyframe] = []
        for start in range(0, len(frames), _BATCH):
            batch = frames[start:start + _BATCH]
            samples = self.inferencer.forward(
                [self.inferencer.preprocess(video, frame) for frame in batch])
            keyframes += [
                self.inferencer.postprocess(sample, video, frame)
                for frame, sample in zip(batch, samples)
            ]
        found = parse_video(to_dict(video, keyframes, self.shown), 'the model')
        return found.keyframes

    @torch.no_grad()
    def tokens(self, video: VideoReader,
               frames: Sequence[int]) -> Tuple[List, TokenGrid]:
        """Kept tokens (list[KeyframeTokens]) of each frame, and their grid."""
        model = self.inferencer.model
        rows, grid = [], None
        for start in range(0, len(frames), _BATCH):
            batch = frames[start:start + _BATCH]
            items = preprocess(
                model,
                [self.inferencer.preprocess(video, frame) for frame in batch])
            shapes = img_shapes(items.samples)
            kept = probe_kept_tokens(model.backbone, items.inputs, shapes)
            clips = [
                self.inferencer.clip_indices(frame, len(video))
                for frame in batch
            ]
            rows += pack_tokens(kept, clips)
            height, width = shapes[0]
            patch = model.backbone.patch_size
            grid = TokenGrid(kept.names, tuple(kept.kept.shape[2:]),
                             (patch / width, patch / height))
        return rows, grid


def survived(kept: Tensor) -> np.ndarray:
    """Layers that each token survived.

    Args:
        kept (Tensor): (L, B, t, h, w) bool; what is dropped stays dropped.

    Returns:
        np.ndarray: (B, t * h * w) int in [0, L]; 0 is padding, L is kept to
        the end.
    """
    return kept.long().sum(0).flatten(1).cpu().numpy()


def pack_tokens(kept: KeptTokens,
                clips: Sequence[np.ndarray]) -> List[KeyframeTokens]:
    """One entry for each clip of a batch.

    Args:
        kept (KeptTokens): Of the batch.
        clips (list[np.ndarray]): (T, ) numbers of the frames of each clip.
    """
    slices = kept.kept.size(2)
    return [
        KeyframeTokens(''.join(_DIGITS[n] for n in row.tolist()),
                       clip[::len(clip) // slices].tolist())
        for row, clip in zip(survived(kept.kept), clips)
    ]


@torch.no_grad()
def run_localizer(config: Config, checkpoint: str, device: Any,
                  items: Dict[str, int], score_thr: float,
                  top_k: int) -> Dict[str, List[ReportSegment]]:
    """Segments of videos of the test dataset.

    Args:
        config (Config): Of an ActionFormer.
        checkpoint (str): Path or URL.
        device (str, optional): By default CUDA if there is any.
        items (dict[str, int]): Number of each video in the dataset.
        score_thr (float): Segments with a lower score are left out.
        top_k (int): Segments of a video, at most.

    Raises:
        CheckpointError: If the weights are not those of the model.
        DataError: If features are missing or wrong.
    """
    cfg, weights = find_model(config, checkpoint)
    settings = find_test_dataset(cfg)
    model, meta = load_model(cfg.model, weights, open_device(device))
    classes = find_segment_names(
        getattr(model.head, 'num_classes', None),
        classes=stored_classes(meta),
        dataset=settings)
    dataset = build_split(cfg, 'test')
    found = {}
    for name, index in items.items():
        batch = pseudo_collate([dataset[index]])
        sample = model.test_step(batch)[0]
        rows = to_segments(sample.pred_instances, classes, range(len(classes)),
                           score_thr, top_k)
        found[name] = [
            ReportSegment(*row['segment'], row['label'], row['score'])
            for row in rows
        ]
    return found
