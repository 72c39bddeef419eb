# Copyright (c) mmevad authors. All rights reserved.
"""AVA's frame-mAP as a metric of mmengine."""
import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmaction.evaluation import read_labelmap
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmevad.datasets.ava_checks import read_label_ids
from mmevad.utils.errors import DataError
from mmevad.utils.ranges import require_between, require_sizes
from .ava_groups import Groups, ava_groups, check_groups
from .ava_map import ClassScores, keyframe_ap
from .keyframe_preds import Prediction, check_prediction, stack_predictions
from .keyframe_truth import AnnotatedKeyframes, read_ava
from .metric_options import check_device, check_thresholds


@METRICS.register_module()
class AVAFrameMAP(BaseMetric):
    """mAP of action boxes on AVA's keyframes, without temporary files.

    Arguments, data samples and metrics are those of mmaction2's
    ``AVAMetric``, and so are the numbers: scores and boxes are rounded to
    four decimals, which mmaction2 does on the way through its csv file, and
    keyframes without ground truth of an evaluated class do not count. It
    departs from ``AVAMetric``, and logs it, in two cases, in which AVA's own
    evaluation code, that of published numbers, gives the number given here:

    - a class with ground truth but without any detection above
      ``action_thr`` has AP 0. ``AVAMetric`` leaves it out of the mean, so
      that a model which never finds rare classes scores higher than one
      which finds them badly;
    - ground truth on an excluded keyframe does not count. ``AVAMetric``
      takes it for missed, as it ignores detections there.

    Metrics, as fractions: ``mAP/overall`` and ``mAP/<group>``, the mean of
    the classes of each group (NaN if the annotation has none of them). If the
    label map is AVA's, the groups are ``person_movement``,
    ``object_manipulation`` and ``person_interaction``, classes 1 to 14, 15
    to 63 and 64 to 80; other classes have no groups but those of the config.
    With ``per_class`` also ``mAP/AP/<class>`` of every class with ground
    truth.

    Args:
        ann_file (str): AVA's csv.
        exclude_file (str, optional): Keyframes that do not count.
        label_file (str): Label map (.pbtxt) of the evaluated classes. Rows
            of ``ann_file`` with other ids of the model do not count: the 20
            classes that are trained but not evaluated.
        options (tuple[str]): Only ``('mAP', )``.
        action_thr (float | Sequence[float]): A box is a detection of a class
            if its score is greater; one number for all, or ``num_classes``,
            starting with the background. A negative number stands for
            single-label prediction: only the best class. Defaults to 0.002.
        num_classes (int): Classes of the model and the background. Defaults
            to 81.
        custom_classes (list[int], optional): Action ids of the model's
            classes in the order of its columns. Defaults to None, which
            means 1, 2, ...
        collect_device (str): ``'cpu'`` or ``'gpu'``. Defaults to 'cpu'.
        prefix (str, optional): Of the metrics' names. Defaults to 'mAP'.
        iou_thr (float): IoU of a true positive. Defaults to 0.5.
        decimals (int, optional): Of scores and boxes. With None, nothing is
            rounded. Defaults to 4.
        ignore_empty_frames (bool): Whether boxes on keyframes without
            ground truth of an evaluated class do not count. AVA's code has
            False. Defaults to True, as in ``AVAMetric``.
        per_class (bool): Whether to report every class. Defaults to False.
        groups (dict[str, Sequence[int]], optional): Action ids of each group
            of classes. Defaults to None, which means AVA's if the label map
            is AVA's.

    Raises:
        DataError: If a file or a prediction is wrong, or if nothing was
            predicted.
    """
    default_prefix: Optional[str] = 'mAP'

    def __init__(self,
                 ann_file: str,
                 exclude_file: Optional[str],
                 label_file: str,
                 options: Tuple[str, ...] = ('mAP', ),
                 action_thr: Union[float, Sequence[float]] = 0.002,
                 num_classes: int = 81,
                 custom_classes: Optional[List[int]] = None,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None,
                 *,
                 iou_thr: float = 0.5,
                 decimals: Optional[int] = 4,
                 ignore_empty_frames: bool = True,
                 per_class: bool = False,
                 groups: Optional[Groups] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        check_device(collect_device)
        check_thresholds(iou_thr=iou_thr)
        require_between(0, 15, decimals=decimals)
        require_sizes(num_classes=num_classes)
        if tuple(options) != ('mAP', ):
            raise ValueError(f"options is {options}; only ('mAP', ) is known.")
        self.ann_file = ann_file
        self.exclude_file = exclude_file
        self.label_file = label_file
        self.num_classes = num_classes
        self.action_thr = _thresholds(action_thr, num_classes)
        self.map_ids = read_label_ids(label_file)
        self.class_ids = self._class_ids(custom_classes)
        self.iou_thr = iou_thr
        self.decimals = decimals
        self.ignore_empty_frames = ignore_empty_frames
        self.per_class = per_class
        known = self.map_ids & set(self.class_ids)
        if groups is None:
            groups = ava_groups(self._names(), known)
        else:
            check_groups(groups, known, label_file)
        self.groups = groups

    def _class_ids(self, custom_classes: Optional[List[int]]) -> List[int]:
        """Action id of each column of the model but the background."""
        if custom_classes is None:
            ids = list(range(1, self.num_classes))
            if not self.map_ids <= set(ids):
                raise DataError(
                    f'{self.label_file} has the action id '
                    f'{max(self.map_ids)}, which num_classes='
                    f'{self.num_classes} does not hold; num_classes is the '
                    'largest id of the model and 1.')
            return ids
        ids = list(custom_classes)
        if len(ids) != self.num_classes - 1 or len(ids) != len(set(ids)):
            raise DataError(f'custom_classes {ids} must be '
                            f'{self.num_classes - 1} different ids for '
                            f'num_classes={self.num_classes}.')
        unknown = sorted(set(ids) - self.map_ids)
        if unknown:
            raise DataError(f'{self.label_file} lacks the action id '
                            f'{unknown[0]} of custom_classes.')
        return ids

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): With ``video_id``, ``timestamp``
                and ``pred_instances``: ``bboxes`` (n, 4), xyxy in [0, 1],
                and ``scores`` (n, num_classes), background first.
        """
        for sample in data_samples:
            key, boxes, scores = check_prediction(
                sample, sample['pred_instances']['scores'], self.num_classes)
            scores = scores[:, 1:]
            if self.action_thr is None:
                kept = scores.argmax(1)[:, None] == np.arange(scores.shape[1])
            else:
                kept = scores > self.action_thr[1:]
            self.results.append((key, boxes, np.where(kept, scores, -np.inf)))

    def compute_metrics(self, results: List[Prediction]) -> Dict[str, float]:
        """Evaluate all keyframes.

        Args:
            results (list): What :meth:`process` kept, of all ranks.

        Returns:
            dict: Metrics by name, in [0, 1].
        """
        columns = [
            c for c, i in enumerate(self.class_ids) if i in self.map_ids
        ]
        ids = np.array(self.class_ids)[columns]
        truth = self._read_truth(ids)
        preds = stack_predictions(results, truth, self.ignore_empty_frames)
        scores = keyframe_ap(
            truth.boxes,
            preds._replace(
                boxes=self._round(preds.boxes),
                scores=self._round(preds.scores[:, columns])), self.iou_thr)
        self._log(ids, scores)
        metrics = dict(overall=_mean(scores.ap))
        for name, members in self.groups.items():
            metrics[name] = _mean(scores.ap[np.isin(ids, list(members))])
        if self.per_class:
            names = self._names()
            for i, ap in zip(ids, scores.ap):
                if not np.isnan(ap):
                    metrics[f'AP/{names[i]}'] = float(ap)
        return metrics

    def _names(self) -> Dict[int, str]:
        """Classes by id."""
        with open(self.label_file) as file:
            return {x['id']: x['name'] for x in read_labelmap(file)[0]}

    def _read_truth(self, ids: np.ndarray) -> AnnotatedKeyframes:
        """Ground truth of the evaluated classes, by column."""
        last = max(self.num_classes - 1, *self.map_ids)
        truth = read_ava(self.ann_file, self.exclude_file,
                         set(range(1, last + 1)), set(ids.tolist()))
        order = np.argsort(ids)
        labels = order[np.searchsorted(ids[order], truth.boxes.labels)]
        return truth._replace(boxes=truth.boxes._replace(labels=labels))

    def _round(self, numbers: np.ndarray) -> np.ndarray:
        """Nearest decimal, as text and back."""
        if self.decimals is None:
            return numbers
        # exact in float64, so that ties are those of the text
        exact = np.round(numbers.astype(np.float64), self.decimals)
        return exact.astype(np.float32)

    def _log(self, ids: np.ndarray, scores: ClassScores) -> None:
        names = self._names()
        lines = [
            f'{i:>4} {names[i]:<40}{100 * ap:>7.2f}{num_gts:>9} annotated'
            f'{num_dets:>9} detected' for i, ap, num_gts, num_dets in zip(
                ids, scores.ap, scores.num_gts, scores.num_dets) if num_gts
        ]
        print_log(
            f'AP at IoU {self.iou_thr:g}, in percent:\n' + '\n'.join(lines),
            logger='current')
        missed = ids[(scores.num_gts > 0) & (scores.num_dets == 0)]
        if len(missed):
            print_log(
                f'{len(missed)} classes with ground truth have no detection '
                'and count as AP 0: ' + ', '.join(names[i] for i in missed),
                logger='current',
                level=logging.WARNING)


def _thresholds(action_thr: Union[float, Sequence[float]],
                num_classes: int) -> Optional[np.ndarray]:
    """(num_classes,), or None for single-label prediction."""
    # in the precision of the scores, so that 0.002 is not above 0.002
    thresholds = np.asarray(action_thr, dtype=np.float32)
    if thresholds.ndim == 0:
        if thresholds < 0:
            return None
        return np.full(num_classes, thresholds)
    if thresholds.shape != (num_classes, ):
        raise DataError(f'action_thr has {thresholds.size} numbers; give one, '
                        f'or num_classes={num_classes}.')
    return thresholds


def _mean(ap: np.ndarray) -> float:
    ap = ap[~np.isnan(ap)]
    return float(ap.mean()) if len(ap) else float('nan')
