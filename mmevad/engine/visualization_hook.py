# Copyright (c) mmevad authors. All rights reserved.
"""Pictures of some samples during validation and testing."""
from typing import Any, Optional, Sequence

from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmevad.utils.errors import DataError
from mmevad.visualization.naming import class_names, sample_name
from mmevad.visualization.visualizer import DetectionVisualizer


@HOOKS.register_module()
class DetectionVisualizationHook(Hook):
    """Draw ground truth and prediction of every n-th sample.

    Pictures go to the back ends of the visualiser, which has to be a
    :class:`DetectionVisualizer`: ``visualizer=dict(
    type='DetectionVisualizer', vis_backends=[...])``.

    Args:
        enable (bool): Whether to draw at all. Defaults to False.
        interval (int): n; the first sample is drawn. Defaults to 50.
        top_k (int): Most actions of a person. Defaults to 3.
        max_segments (int): Most segments of a video. Defaults to 20.
        score_thr (float): Less sure actions and segments are left out.
            Defaults to 0.1.
        show (bool): Whether to open a window. Defaults to False.
        wait_time (float): Seconds before it closes. Defaults to 2.
        out_dir (str, optional): Folder for PNG files, instead of the back
            ends. Defaults to None.

    Raises:
        DataError: If the visualiser is another.
        ValueError: If ``interval`` is less than 1.
    """

    def __init__(self,
                 enable: bool = False,
                 interval: int = 50,
                 top_k: int = 3,
                 max_segments: int = 20,
                 score_thr: float = 0.1,
                 show: bool = False,
                 wait_time: float = 2,
                 out_dir: Optional[str] = None) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.enable = enable
        self.interval = interval
        self.settings = dict(
            top_k=top_k,
            max_segments=max_segments,
            score_thr=score_thr,
            show=show,
            wait_time=wait_time,
            out_dir=out_dir)
        self._seen = 0
        self._classes: Optional[Sequence[str]] = None

    def before_run(self, runner: Runner) -> None:
        """Look at the visualiser before hours are spent on training."""
        if self.enable and not isinstance(runner.visualizer,
                                          DetectionVisualizer):
            raise DataError(
                'The visualization hook draws with DetectionVisualizer, but '
                f'the visualizer is {type(runner.visualizer).__name__}; set '
                "visualizer.type='DetectionVisualizer' in the config.")

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        self._seen, self._classes = 0, None

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        self._seen, self._classes = 0, None

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict,
                       outputs: Sequence[ActionDataSample]) -> None:
        """Draw, and log under the epoch or iteration."""
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        step = runner.epoch if by_epoch else runner.iter
        self._draw(runner, runner.val_dataloader.dataset, data_batch, outputs,
                   step)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict,
                        outputs: Sequence[ActionDataSample]) -> None:
        """Draw."""
        self._draw(runner, runner.test_dataloader.dataset, data_batch, outputs,
                   0)

    def _draw(self, runner: Runner, dataset: Any, data_batch: dict,
              outputs: Sequence[ActionDataSample], step: int) -> None:
        if not self.enable:
            return
        for inputs, sample in zip(data_batch['inputs'], outputs):
            if self._seen % self.interval == 0:
                if self._classes is None:
                    self._classes = class_names(
                        dataset,
                        sample.pred_instances.scores.size(-1) - 1)
                runner.visualizer.add_datasample(
                    sample_name(sample),
                    inputs,
                    sample,
                    classes=self._classes,
                    step=step,
                    **self.settings)
            self._seen += 1
