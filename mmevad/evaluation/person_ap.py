# Copyright (c) mmevad authors. All rights reserved.
"""AP of the actor head: are the persons found, whatever they do?"""
from typing import Any, Dict, List, Optional, Sequence

from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmevad.utils.errors import DataError
from mmevad.utils.ranges import require_at_least
from .ava_map import keyframe_ap
from .keyframe_preds import Prediction, check_prediction, stack_predictions
from .keyframe_truth import read_persons
from .metric_options import check_device, check_thresholds


@METRICS.register_module()
class PersonAP(BaseMetric):
    """Class-agnostic AP and recall of person boxes on annotated keyframes.

    Every box of a keyframe is one ground truth, however many actions it has;
    of AVA, rows with classes that are not evaluated count too. Keyframes
    without any annotation are left out, as persons on them are not
    annotated. Metrics, as fractions: ``person-AP@0.5`` and
    ``person-recall@0.5``, the share found by any prediction.

    :class:`EVAD` predicts persons with a score of at least
    ``person_score_thr``, 0.7 by default, which cuts the curve of the
    precision there: AP is that of what a user gets. For the AP of the actor
    head, test with all of its queries: ``--cfg-options
    model.person_score_thr=0`` (not for the mAP of actions, which counts
    every box). The lowest score that was seen is logged.

    Args:
        ann_file (str): AVA's csv, or a tube file (see :func:`load_tubes`),
            of which the annotated frames are the keyframes.
        exclude_file (str, optional): Keyframes of AVA that do not count.
            Defaults to None.
        subset (str): Of a tube file. Defaults to 'test'.
        split (int): Of a tube file. Defaults to 1.
        keyframe_interval (int): Of a tube file, as in :class:`TubeDataset`.
            Defaults to 1.
        iou_thrs (Sequence[float]): IoU from which a box is right, for an AP
            each. Defaults to (0.5, ).
        **kwargs: ``collect_device``, ``prefix`` and ``collect_dir`` of
            mmengine's ``BaseMetric``.

    Raises:
        DataError: If a file or a prediction is wrong, or if nothing was
            predicted.
    """

    def __init__(self,
                 ann_file: str,
                 exclude_file: Optional[str] = None,
                 subset: str = 'test',
                 split: int = 1,
                 *,
                 keyframe_interval: int = 1,
                 iou_thrs: Sequence[float] = (0.5, ),
                 **kwargs) -> None:
        super().__init__(**kwargs)
        check_device(self.collect_device)
        check_thresholds(iou_thrs=iou_thrs)
        require_at_least(1, keyframe_interval=keyframe_interval)
        self.source = (ann_file, exclude_file, subset, split,
                       keyframe_interval)
        self.iou_thrs = tuple(iou_thrs)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch (Any): Unused.
            data_samples (Sequence[dict]): With ``video_id``, ``timestamp``
                and ``pred_instances``: ``bboxes`` (n, 4), xyxy in [0, 1],
                and ``person_scores`` (n, ).
        """
        for sample in data_samples:
            pred = sample['pred_instances']
            if 'person_scores' not in pred:
                raise DataError('PersonAP needs pred_instances.person_scores, '
                                'which EVAD gives; use it with such a model.')
            scores = pred['person_scores'].reshape(-1, 1)
            self.results.append(check_prediction(sample, scores, 1))

    def compute_metrics(self, results: List[Prediction]) -> Dict[str, float]:
        """Evaluate all keyframes.

        Args:
            results (list): What :meth:`process` kept, of all ranks.

        Returns:
            dict: Metrics by name, in [0, 1].
        """
        truth = read_persons(*self.source)
        preds = stack_predictions(results, truth)
        lowest = f'{preds.scores.min():.4g}' if len(preds.scores) else 'none'
        print_log(
            f'{len(preds.scores)} person boxes for {len(truth.boxes.frames)} '
            f'annotated; the lowest person score is {lowest}.',
            logger='current')
        metrics = {}
        for iou_thr in self.iou_thrs:
            scores = keyframe_ap(truth.boxes, preds, iou_thr)
            metrics[f'person-AP@{iou_thr:g}'] = float(scores.ap[0])
            metrics[f'person-recall@{iou_thr:g}'] = float(scores.recall[0])
        return metrics
