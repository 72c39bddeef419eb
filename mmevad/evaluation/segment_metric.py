# Copyright (c) mmevad authors. All rights reserved.
"""Segment mAP as a metric of mmengine."""
import logging
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmevad.utils.atomic_file import check_writable
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.ranges import require_at_least, require_some
from .metric_options import check_device, check_thresholds
from .segment_checks import find_bad_rows, number_names
from .segment_json import GroundTruth, read_ground_truth, write_results
from .segment_map import (Segments, SegmentScores, clean_ground_truth,
                          segment_map)
from .segment_table import format_scores

# A video's name, segments (M, 2), scores (M,) and labels (M,).
Prediction = Tuple[str, np.ndarray, np.ndarray, np.ndarray]


def evaluate_segments(truth: GroundTruth,
                      preds: Segments,
                      tious: Sequence[float],
                      recall_k: Sequence[int] = (1, 5),
                      recall_tious: Optional[Sequence[float]] = None,
                      remove_duplicates: bool = True) -> SegmentScores:
    """:func:`segment_map` on a file's ground truth; logs what it left out.

    Args:
        truth (GroundTruth): Annotated segments.
        preds (Segments): Predictions, numbered like ``truth``.
        tious (Sequence[float]): Thresholds in (0, 1].
        recall_k (Sequence[int]): Multiples for the recall. Defaults to
            (1, 5).
        recall_tious (Sequence[float], optional): Thresholds of the recall.
            Defaults to None, which means ``tious``.
        remove_duplicates (bool): Whether to drop annotations shorter than
            1e-3 s and those that repeat another. Defaults to True.

    Returns:
        SegmentScores: Fractions, not percent.
    """
    gts = truth.segments
    if remove_duplicates:
        gts, num_short, num_repeated = clean_ground_truth(gts)
        if not len(gts.labels):
            raise DataError(f'{truth.path}: every annotation is shorter than '
                            '1e-3 s; segments are in seconds.')
        if num_short or num_repeated:
            _log(
                f'{truth.path}: {num_short} annotations shorter than 1e-3 s '
                f'and {num_repeated} repeated ones are left out.',
                logging.INFO)
    scores = segment_map(gts, preds, tious, recall_k, recall_tious)
    if scores.num_ignored:
        others = np.setdiff1d(preds.labels, scores.classes)
        _log(f'{scores.num_ignored} of {len(preds.labels)} predictions are '
             f'ignored: the ground truth lacks their {len(others)} labels.')
    extra = np.setdiff1d(preds.videos, list(truth.videos.values()))
    if len(extra):
        _log(f'{int(np.isin(preds.videos, extra).sum())} predictions on '
             f'{len(extra)} videos that are not in this subset of '
             f'{truth.path} count as false positives.')
    without = np.setdiff1d(gts.videos, preds.videos)
    if len(without):
        _log(f'{len(without)} of {len(np.unique(gts.videos))} annotated '
             'videos have no predictions; their segments count as missed.')
    return scores


@METRICS.register_module()
class SegmentMAP(BaseMetric):
    """Mean AP and recall of temporal segments, by ActivityNet's rules.

    The ground truth is read from ``ann_file``, in seconds and in full: data
    samples may lack segments that the data pipeline cut or left out.
    Metrics are fractions, the logged table is in percent: ``mAP`` (mean
    over classes and thresholds), ``mAP@0.50``, ``recall@1x_tIoU=0.50``,
    ``AP/<class>`` with ``per_class``, and ``ignored_predictions``, the
    number of those whose label the ground truth lacks.

    Args:
        ann_file (str): Ground truth in ActivityNet's JSON. Its ``label_id``
            must be the labels of the model; without it, the ``classes`` of
            the dataset's metainfo number the names.
        subset (str | Sequence[str], optional): Subsets to evaluate on, in
            any case. Defaults to None, which means all videos.
        tious (Sequence[float]): Thresholds of the mAP. Defaults to
            (0.3, 0.4, 0.5, 0.6, 0.7).
        recall_k (Sequence[int]): Multiples for Recall@kx; () for none.
            Defaults to (1, 5).
        recall_tious (Sequence[float], optional): Thresholds of the recall.
            Defaults to None, which means ``tious``.
        remove_duplicates (bool): Whether to drop annotations shorter than
            1e-3 s and those that repeat another. Defaults to True.
        per_class (bool): Whether to report every class. Defaults to False.
        dump (str, optional): Where to write the predictions in
            ActivityNet's JSON. Defaults to None.
        **kwargs: ``collect_device``, ``prefix`` and ``collect_dir`` of
            mmengine's ``BaseMetric``.

    Raises:
        DataError: If ``ann_file`` or a prediction is wrong, or ``dump``
            cannot be written.
    """

    def __init__(self,
                 ann_file: str,
                 subset: Union[str, Sequence[str], None] = None,
                 tious: Sequence[float] = (0.3, 0.4, 0.5, 0.6, 0.7),
                 recall_k: Sequence[int] = (1, 5),
                 recall_tious: Optional[Sequence[float]] = None,
                 *,
                 remove_duplicates: bool = True,
                 per_class: bool = False,
                 dump: Optional[str] = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        check_device(self.collect_device)
        check_thresholds(tious=tious, recall_tious=recall_tious)
        require_some(recall_k=recall_k)
        require_at_least(1, recall_k=recall_k)
        self.ann_file = ann_file
        self.subset = subset
        self.options = dict(
            tious=tious,
            recall_k=recall_k,
            recall_tious=recall_tious,
            remove_duplicates=remove_duplicates)
        self.per_class = per_class
        self.dump = dump
        if dump and is_main_process():
            check_writable(dump)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): With ``video_name`` and
                ``pred_instances``: ``segments`` (M, 2) in seconds,
                ``scores`` (M,) and ``labels`` (M,).
        """
        for sample in data_samples:
            name, preds = sample['video_name'], sample['pred_instances']
            segments, scores, labels = (
                torch.as_tensor(preds[key]).detach().cpu().numpy()
                for key in ('segments', 'scores', 'labels'))
            segments = segments.reshape(-1, 2).astype(np.float64)
            scores = scores.astype(np.float64)
            raise_data_errors(
                find_bad_rows(
                    segments, lambda row: f'The model, video {name}, '
                    f'prediction {row}', scores))
            self.results.append((name, segments, scores, labels))

    def compute_metrics(self, results: List[Prediction]) -> Dict[str, float]:
        """Evaluate all videos.

        Args:
            results (list): What :meth:`process` kept, of all ranks.

        Returns:
            dict: Metrics by name, in [0, 1]; first the mean mAP, which is
            what ``save_best='auto'`` goes by.
        """
        classes = (self.dataset_meta or {}).get('classes')
        truth = read_ground_truth(self.ann_file, self.subset, classes)
        if not truth.numbered:
            raise DataError(f'{self.ann_file} has no label_id, and the '
                            'dataset no classes; add one of them.')
        names = {**truth.names, **dict(enumerate(classes or ()))}
        if self.dump:
            write_results(self.dump, to_json(results, names))
        scores = evaluate_segments(truth, _stack(results, truth.videos),
                                   **self.options)
        _log(
            f'{len(results)} videos, in percent:\n' +
            format_scores(scores, names if self.per_class else None),
            logging.INFO)
        return self._name_metrics(scores, names)

    def _name_metrics(self, scores: SegmentScores,
                      names: Dict[int, str]) -> Dict[str, float]:
        metrics = dict(mAP=scores.average)
        for tiou, ap in zip(scores.tious, scores.mean_ap):
            metrics[f'mAP@{tiou:.2f}'] = float(ap)
        for tiou, recalls in zip(scores.recall_tious, scores.mean_recall):
            for k, recall in zip(scores.recall_k, recalls):
                metrics[f'recall@{k}x_tIoU={tiou:.2f}'] = float(recall)
        if self.per_class:
            for label, ap in zip(scores.classes, scores.ap.mean(axis=0)):
                metrics[f'AP/{names[label]}'] = float(ap)
        # mmengine's log file has no whole numbers
        metrics['ignored_predictions'] = float(scores.num_ignored)
        return metrics


def to_json(results: Sequence[Prediction],
            names: Dict[int, str]) -> Dict[str, List[dict]]:
    """Predictions as ``results`` of ActivityNet's JSON.

    Args:
        results (Sequence[Prediction]): One for each video.
        names (dict): Names of the classes by number; a class without one
            is named by its number.
    """
    return {
        video: [
            dict(
                label=names.get(label, str(label)),
                label_id=label,
                score=score,
                segment=segment) for segment, score, label in zip(
                    segments.tolist(), scores.tolist(), labels.tolist())
        ]
        for video, segments, scores, labels in results
    }


def _stack(results: Sequence[Prediction], known: Dict[str, int]) -> Segments:
    """All videos as one table."""
    if not results:
        raise DataError('No video was predicted; look at the dataset of the '
                        'evaluation loop.')
    names = [name for name, *_ in results]
    raise_data_errors([
        f'Video {name} was predicted {count} times; the dataset must list it '
        'once.' for name, count in Counter(names).items() if count > 1
    ])
    _, segments, scores, labels = zip(*results)
    return Segments(
        np.repeat(number_names(names, known), [len(x) for x in scores]),
        np.concatenate(labels).astype(np.int64), np.concatenate(segments),
        np.concatenate(scores))


def _log(message: str, level: int = logging.WARNING) -> None:
    print_log(message, logger='current', level=level)
