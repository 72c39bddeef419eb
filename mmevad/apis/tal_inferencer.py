# Copyright (c) mmevad authors. All rights reserved.
"""TALInferencer: a model and features or videos -> segments."""
import os.path as osp
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from rich.progress import Progress

from mmevad.datasets.segment_features import FeatureFile
from mmevad.models.actionformer import ActionFormer
from mmevad.utils.errors import DataError
from mmevad.utils.json_file import write_json
from mmevad.utils.video_reader import VideoReader
from .action_names import choose_classes, find_segment_names
from .clips import build_transforms
from .feature_extractors import ExtractorType, build_extractor
from .feature_sources import FeatureSource, feature_file, place_in_time
from .inputs import (Input, InputsType, is_feature_file, list_inputs,
                     local_file, local_video)
from .model_loading import (find_test_dataset, load_model, open_device,
                            stored_classes)
from .model_zoo import ModelType, find_model
from .tal_outputs import describe, draw, to_dict, to_segments
from .windows import (make_folder, require_folder, require_window, show_images,
                      write_image)


class TALInferencer:
    """Finds start, end and label of actions in untrimmed videos.

    Called as the inferencers of OpenMMLab are, like
    :class:`EVADInferencer`. Features go through the config's own test
    pipeline. Of a video, frames are read and turned into features a batch at
    a time, so memory does not grow with its length, but for the features
    themselves.

    Args:
        model (str, dict or Config): Name in the zoo (``mim search mmevad``),
            path of a config, or the config, with the test pipeline in
            ``test_dataloader.dataset``.
        weights (str, optional): Path or URL of the checkpoint; by default
            that of the zoo.
        device (str, optional): By default CUDA if there is any, else the
            CPU.
        feature_extractor (str, dict or ClipFeatureExtractor, optional):
            What turns videos into features: a config as ``model``, with the
            weights of the zoo; arguments of :class:`ClipFeatureExtractor`;
            or one. By default ``feature_extractor`` of the config; without
            any, only features are taken. ``feat_stride`` is by default the
            dataset's.
        class_file (str, optional): Text file with the names of the classes,
            one per line; by default those in the checkpoint, or in the
            config.

    Raises:
        DataError: If a config or the class file is missing or wrong, the
            device is not there, or the extractor's features are not placed
            as those the model was trained on.
        CheckpointError: If weights are missing, cannot be read or are not
            those of the model.
    """

    def __init__(self,
                 model: ModelType,
                 weights: Optional[str] = None,
                 device: Optional[str] = None,
                 feature_extractor: Optional[ExtractorType] = None,
                 class_file: Optional[str] = None) -> None:
        self.cfg, weights = find_model(model, weights)
        self.dataset = find_test_dataset(self.cfg)
        self.transforms = build_transforms(self.dataset.get('pipeline') or [])
        self.device = open_device(device)
        self.model, meta = load_model(self.cfg.model, weights, self.device)
        if not isinstance(self.model, ActionFormer):
            raise DataError('TALInferencer runs ActionFormer, but the config '
                            f'is of {type(self.model).__name__}.')
        head = self.model.head
        self.classes = find_segment_names(
            None if head.score_fusion else head.num_classes, class_file,
            stored_classes(meta), self.dataset)
        self.extractor = build_extractor(
            feature_extractor or self.cfg.get('feature_extractor'),
            self.dataset, self.device)

    def extract(
        self,
        video: VideoReader,
        batch_size: int = 8,
        progress: Optional[Progress] = None,
    ) -> np.ndarray:
        """Features of one video.

        Args:
            video (VideoReader): See :func:`open_video`.
            batch_size (int): Clips that go through the extractor together.
            progress (Progress, optional): Where to show how far it is.

        Returns:
            np.ndarray: (T, C) float32.

        Raises:
            DataError: If there is no extractor, its features are not those
                of the model, or as :class:`ClipFeatureExtractor`.
        """
        if self.extractor is None:
            raise DataError(
                f'{video.path} is a video, but the model takes features: '
                'give a feature_extractor, or the file of its features.')
        total = self.extractor.num_features(video)
        task = progress and progress.add_task('features', total=total)
        features: List[np.ndarray] = []
        for batch in self.extractor.stream(video, batch_size):
            if not features:  # rather now than after all of the video
                self._check_width(batch.shape[1], 'the feature extractor')
            features.append(batch)
            if progress:
                progress.advance(task, len(batch))
        if progress:
            progress.remove_task(task)
        return np.concatenate(features)

    @torch.no_grad()
    def predict(self, source: FeatureSource) -> InstanceData:
        """Segments of one video.

        Returns:
            InstanceData: ``segments`` (M, 2) in seconds, ``scores`` and
            ``labels`` (M, ), best first.

        Raises:
            DataError: If the features are not those of the model.
        """
        results = dict(
            video_name=source.name,
            duration=source.duration,
            fps=source.fps,
            feat_stride=source.feat_stride,
            num_frames=source.num_frames,
            feat_files=[source.file])
        for transform in self.transforms:
            results = transform(results)
        self._check_width(len(results['inputs']), str(source.file))
        sample = self.model.test_step(pseudo_collate([results]))[0]
        limit = self.model.head.nms.max_seg_num
        if limit is not None and len(sample.pred_instances) >= limit:
            print_log(
                f'{source.name}: the model keeps the surest {limit} segments '
                'of a video; for a long one, raise max_seg_num and '
                'pre_nms_topk in model.head.test_cfg.',
                logger='current')
        return sample.pred_instances

    def _check_width(self, width: int, what: str) -> None:
        wanted = self.model.neck.in_channels
        if width != wanted:
            raise DataError(
                f'{what} gives features of {width} channels, but the model '
                f'takes {wanted}; use the features that it was trained on.')

    @contextmanager
    def _source(
            self,
            item: Input,
            batch_size: int,
            fps: Optional[float],
            duration: Optional[float],
            camera_seconds: float,
            progress: Optional[Progress] = None) -> Iterator[FeatureSource]:
        """Features of whatever was given, as long as the context."""
        if is_feature_file(item.source) and isinstance(item.source, str):
            with local_file(item.source) as path:
                file = feature_file(path, self.dataset)
                yield place_in_time(item.name, file, self.dataset, fps,
                                    duration)
            return
        with tempfile.TemporaryDirectory(prefix='mmevad_') as folder:
            file = FeatureFile(osp.join(folder, f'{item.name}.npy'))
            if is_feature_file(item.source):
                self._check_width(item.source.shape[1], item.name)
                np.save(file.path, item.source)
                yield place_in_time(item.name, file, self.dataset, fps,
                                    duration)
                return
            with local_video(item, fps, camera_seconds) as video:
                features = self.extract(video, batch_size, progress)
                np.save(file.path, features)
                settings = self.extractor.settings
                yield FeatureSource(item.name, file, video.fps, duration
                                    or len(video) / video.fps,
                                    settings['feat_stride'],
                                    settings['num_frames'])

    def __call__(self,
                 inputs: InputsType,
                 batch_size: int = 8,
                 out_dir: str = '',
                 show: bool = False,
                 return_vis: bool = False,
                 show_progress: bool = True,
                 print_result: bool = False,
                 *,
                 score_thr: float = .1,
                 top_k: int = 200,
                 classes: Optional[Sequence[str]] = None,
                 fps: Optional[float] = None,
                 duration: Optional[float] = None,
                 camera_seconds: float = 10.) -> Dict[str, list]:
        """Localize, and write or show what was found.

        Args:
            inputs: See :func:`list_inputs`: path or URL of features or of a
                video, folder of such or of the frames of one video, index of
                a camera, (T, C) features, (T, h, w, 3) uint8 RGB, or a list
                of these.
            batch_size (int): Clips that go through the feature extractor
                together.
            out_dir (str): Where to write ``<video>_segments.json`` and
                ``<video>_timeline.png``; '' writes nothing.
            show (bool): Show each timeline.
            return_vis (bool): Return the timelines.
            show_progress (bool): Show a progress bar.
            print_result (bool): Print a line for each segment.
            score_thr (float): Segments with a lower score are left out.
            top_k (int): Segments of a video, at most.
            classes (list[str], optional): Only these classes.
            fps (float, optional): Frame rate; needed for features if neither
                the config nor a record beside them says it.
            duration (float, optional): Of the videos, in seconds, if not
                that of the video or of the features.
            camera_seconds (float): How long to record from a camera.

        Returns:
            dict: ``predictions``: for each video a dict that fits into JSON,
            with ``video``, ``duration`` (seconds), ``fps`` and ``segments``,
            a list of ``segment`` (start and end in seconds), ``label`` and
            ``score``, the surest first. ``visualization``: with
            ``return_vis`` for each video its timeline (H, W, 3) uint8 RGB,
            else empty.

        Raises:
            DataError: If an input is missing or cannot be read, its features
                are not those of the model, a class is unknown, or
                ``out_dir`` cannot be written to.
        """
        chosen = choose_classes(self.classes, classes)
        require_folder(out_dir)
        if show:
            require_window()
        items = list_inputs(inputs, features=True)
        results: Dict[str, list] = dict(predictions=[], visualization=[])
        with Progress(disable=not show_progress) as progress:
            for item in progress.track(items, description='videos'):
                with self._source(item, batch_size, fps, duration,
                                  camera_seconds, progress) as source:
                    found = self.predict(source)
                segments = to_segments(found, self.classes, chosen, score_thr,
                                       top_k)
                prediction = to_dict(source, segments)
                results['predictions'].append(prediction)
                if print_result:
                    print(source.name, *map(describe, segments), sep='\n')
                if out_dir or show or return_vis:
                    picture = draw(prediction, self.classes)
                if out_dir:
                    stem = osp.join(out_dir, item.name)
                    make_folder(out_dir)
                    write_json(f'{stem}_segments.json', prediction)
                    write_image(f'{stem}_timeline.png', picture[..., ::-1])
                if return_vis:
                    results['visualization'].append(picture)
                if show:
                    show_images([picture[..., ::-1]], item.name)
        return results
