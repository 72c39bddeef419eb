# Copyright (c) mmevad authors. All rights reserved.
"""Frame-mAP and video-mAP as a metric of mmengine."""
import logging
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmevad.datasets.tubes import Tubes, load_tubes
from mmevad.utils.arguments import unknown_name
from mmevad.utils.errors import DataError, raise_data_errors
from .frame_match import check_mode
from .frame_nms import nms_per_class
from .keyframe_preds import Prediction, check_prediction, name_of
from .metric_options import check_device
from .tube_linking import Linking, link_tubes
from .tube_map import check_iou_thrs, frame_map, video_map
from .tube_report import format_tube_scores
from .tube_tables import FrameDetections, TubeTable
from .tube_truth import TubeTruth, read_tube_truth

_COCO = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


@METRICS.register_module()
class TubeMAP(BaseMetric):
    """Frame-mAP and video-mAP on a tube file.

    Metrics, as fractions: ``frame-mAP@0.5``, ``video-mAP@0.2`` and so on for
    each threshold, and ``video-mAP@0.5:0.95``, the mean over 0.5, 0.55, ...,
    0.95; with ``per_class`` also ``AP/<class>``, that on frames, of every
    class with ground truth. The AP of every class is logged in percent.
    Rules: :func:`frame_map`, :func:`link_tubes` and :func:`video_map`; boxes
    are continuous, without ``+ 1``, and the annotated ones are clipped to the
    frame, as predicted ones are.

    Every frame to look at has to be predicted, once, and no other: frames
    left out would count as missed, others as false. By default these are the
    annotated ones, those of :class:`TubeDataset` in testing. Then the tubes
    begin and end where the annotated frames do, which helps the video-mAP of
    videos that are not trimmed (UCF101-24, not JHMDB). To be judged on when an
    action happens, too, as in ACT and MOC, set ``all_frames=True`` here and in
    the dataset.

    Args:
        ann_file (str): Tube file, see :func:`load_tubes`.
        split (int): Split, counted from 1. Defaults to 1.
        subset (str): 'train', 'test' or 'all'. Defaults to 'test'.
        frame_iou_thr (float): IoU for the frame-mAP. Defaults to 0.5.
        video_iou_thrs (Sequence[float]): Spatio-temporal IoUs for the
            video-mAP; () for none at all. Defaults to (0.2, 0.5, 0.75).
        all_frames (bool): Every frame of a video is looked at. Defaults to
            False, which means only frames on which anybody is annotated.
        keyframe_interval (int): Every k-th of them is looked at. Boxes
            between are interpolated for the video-mAP. Defaults to 1.
        linking (dict, optional): Settings of :class:`Linking`. Defaults to
            None.
        min_score (float, optional): Boxes of a class with a lower score are
            left out. Defaults to None, which means none are.
        top_k (int, optional): Boxes per frame and class. Defaults to None,
            which means all.
        ap_mode (str): 'area' or '11points', see :func:`average_precision`.
            Defaults to 'area'.
        per_class (bool): Whether to report every class. Defaults to False.
        **kwargs: ``collect_device``, ``prefix`` and ``collect_dir`` of
            mmengine's ``BaseMetric``.

    Raises:
        DataError: If ``ann_file`` or a prediction is wrong, or if the
            predicted frames are not those to look at.
        ValueError: If a setting is out of range.
    """

    def __init__(self,
                 ann_file: str,
                 split: int = 1,
                 subset: str = 'test',
                 frame_iou_thr: float = 0.5,
                 video_iou_thrs: Sequence[float] = (0.2, 0.5, 0.75),
                 *,
                 all_frames: bool = False,
                 keyframe_interval: int = 1,
                 linking: Optional[dict] = None,
                 min_score: Optional[float] = None,
                 top_k: Optional[int] = None,
                 ap_mode: str = 'area',
                 per_class: bool = False,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        check_device(self.collect_device)
        self.ann_file = ann_file
        self.split = split
        self.subset = subset
        self.frame_iou_thr = frame_iou_thr
        self.video_iou_thrs = tuple(video_iou_thrs)
        self.all_frames = all_frames
        self.keyframe_interval = keyframe_interval
        for name in sorted(set(linking or {}) - set(Linking._fields)):
            raise ValueError(unknown_name('linking', name, Linking._fields))
        self.linking = Linking(**(linking or {}))
        self.min_score = min_score
        self.top_k = top_k
        self.ap_mode = ap_mode
        self.per_class = per_class
        # Now, not after hours of prediction.
        self.linking.check()
        check_iou_thrs((frame_iou_thr, *self.video_iou_thrs))
        check_mode(ap_mode)
        if keyframe_interval < 1:
            raise ValueError('keyframe_interval must be at least 1, got '
                             f'{keyframe_interval}.')
        self._tubes: Optional[Tubes] = None

    @property
    def tubes(self) -> Tubes:
        """The tube file, read when it is first needed."""
        if self._tubes is None:
            self._tubes = load_tubes(self.ann_file)
        return self._tubes

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch, as float32.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): With ``video_id``, ``timestamp``
                (the frame's number, from 1) and ``pred_instances``:
                ``bboxes`` (n, 4), xyxy in [0, 1], and ``scores`` (n, 1 +
                classes) with a background column in front.
        """
        num_columns = 1 + len(self.tubes.labels)
        for sample in data_samples:
            key, boxes, scores = check_prediction(
                sample, sample['pred_instances']['scores'], num_columns)
            self.results.append((key, boxes, scores[:, 1:]))

    def compute_metrics(self, results: List[Prediction]) -> Dict[str, float]:
        """Evaluate all frames.

        Args:
            results (list): What :meth:`process` kept, of all ranks.

        Returns:
            dict: Metrics by name, in [0, 1].
        """
        truth = read_tube_truth(self.tubes, self.split, self.subset,
                                self.all_frames, self.keyframe_interval)
        dets = self._reduce(self._stack(results, truth))
        frames = frame_map(truth.boxes, dets, (self.frame_iou_thr, ),
                           self.ap_mode)
        metrics = {
            f'frame-mAP@{self.frame_iou_thr:g}': float(frames.mean_ap[0])
        }
        columns = [(f'frame@{self.frame_iou_thr:g}', frames.ap[0])]
        if self.video_iou_thrs:
            scored = self._video_aps(truth.tubes, dets)
            columns += [(f'video@{name}', ap) for name, ap in scored.items()]
            metrics.update({
                f'video-mAP@{name}': float(np.nanmean(ap))
                for name, ap in scored.items()
            })
        if self.per_class:
            metrics.update({
                f'AP/{name}': float(ap)
                for name, ap in zip(self.tubes.labels, frames.ap[0])
                if not np.isnan(ap)
            })
        print_log(
            f'{len(results)} frames, AP in percent:\n' +
            format_tube_scores(self.tubes.labels, columns, truth),
            logger='current')
        return metrics

    def _video_aps(self, gts: TubeTable,
                   dets: FrameDetections) -> Dict[str, np.ndarray]:
        """AP (C,) by threshold."""
        short = int((gts.sizes < self.linking.min_length).sum())
        if short:
            print_log(
                f'{short} of the {len(gts.sizes)} annotated tubes are '
                'shorter than min_length of the linking, '
                f'{self.linking.min_length} frames, and can hardly be found.',
                logger='current',
                level=logging.WARNING)
        linked = link_tubes(dets, self.linking, self.keyframe_interval)
        iou_thrs = (*self.video_iou_thrs, *_COCO)
        scores = video_map(gts, linked, len(self.tubes.labels), iou_thrs,
                           self.ap_mode)
        found = {f'{t:g}': ap for t, ap in zip(self.video_iou_thrs, scores.ap)}
        found['0.5:0.95'] = scores.ap[-len(_COCO):].mean(axis=0)
        return found

    def _reduce(self, dets: FrameDetections) -> FrameDetections:
        """Apply ``min_score`` and ``top_k``."""
        if self.min_score is not None:
            dets.scores[dets.scores < self.min_score] = -np.inf
        if self.top_k is not None:
            dets.scores[~nms_per_class(dets, top_k=self.top_k)] = -np.inf
        return dets

    def _stack(self, results: Sequence[Prediction],
               truth: TubeTruth) -> FrameDetections:
        """All frames as one table, when they are those to look at."""
        self._check_frames(Counter(key for key, *_ in results), truth)
        keys, boxes, scores = zip(*results)
        sizes = [len(x) for x in boxes]
        return FrameDetections(
            np.repeat([truth.videos[video] for video, _ in keys], sizes),
            np.repeat([frame for _, frame in keys], sizes),
            np.concatenate(boxes), np.concatenate(scores))

    def _check_frames(self, counts: Dict[Tuple[str, int], int],
                      truth: TubeTruth) -> None:
        raise_data_errors([
            f'Frame {name_of(key)} was predicted {count} times; the dataset '
            'must list it once.' for key, count in counts.items() if count > 1
        ])
        where = (f'{len(truth.keys)} frames to look at (subset '
                 f'{self.subset!r}, split {self.split}, '
                 f'all_frames={self.all_frames}, keyframe_interval='
                 f'{self.keyframe_interval} of {self.ann_file})')
        others = [key for key in counts if key not in truth.keys]
        if others:
            raise DataError(
                f'{len(others)} of {len(counts)} predicted frames are not '
                f'among the {where}; the first is {name_of(others[0])}. Give '
                'the metric the settings of the dataset.')
        missing = [key for key in truth.keys if key not in counts]
        if missing:
            raise DataError(
                f'{len(missing)} of the {where} were not predicted; the '
                f'first is {name_of(missing[0])}. Give the metric the '
                'settings of the dataset.')
