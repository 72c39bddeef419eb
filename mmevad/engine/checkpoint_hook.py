# Copyright (c) mmevad authors. All rights reserved.
"""Checkpoints that survive a kill at any moment."""
import glob
import os
import os.path as osp
from typing import Any, List, Optional

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ..utils.atomic_file import PARTIAL, atomic_file


class _DeferredRemoval:
    """A storage backend that removes files only when told to."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._condemned: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._condemned.append(path)

    def flush(self) -> None:
        for path in self._condemned:
            if self._backend.isfile(path):
                self._backend.remove(path)
        self._condemned.clear()


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, but there is a good checkpoint all the time.

    - Local checkpoints are written under another name first, so that a name
      never stands for half a file.
    - Old ones are removed after new ones are complete, also with
      ``max_keep_ckpts=1`` and for the best one.
    - A resumed run first repeats the evaluation that was due at its
      checkpoint: the kill may have come before it was done.

    Args:
        *args, **kwargs: Those of ``CheckpointHook``.
    """

    def __init__(self,
                 *args,
                 backend_args: Optional[dict] = None,
                 **kwargs) -> None:
        self._given_backend = backend_args
        super().__init__(*args, backend_args=backend_args, **kwargs)

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder; in a resumed run, evaluate."""
        super().before_train(runner)
        if isinstance(self.file_backend, LocalBackend):
            if self._given_backend is None:
                self.backend_args = dict(backend='atomic_local')
            if is_main_process():
                self._remove_partial_files()
        self.file_backend = _DeferredRemoval(self.file_backend)
        if runner._resume and self._evaluation_is_due(runner):
            runner.logger.info('Repeating the evaluation of the checkpoint.')
            # what it may save belongs to the checkpoint
            self.last_ckpt = runner.message_hub.get_info('last_ckpt', None)
            runner.val_loop.run()

    def _remove_partial_files(self) -> None:
        """What killed runs left."""
        pattern = osp.join(glob.escape(self.out_dir), f'*.pth.[0-9]*{PARTIAL}')
        for path in glob.glob(pattern):
            os.remove(path)

    @staticmethod
    def _evaluation_is_due(runner: Runner) -> bool:
        loop = runner.train_loop
        if runner.val_loop is None:
            return False
        by_epoch = hasattr(loop, 'val_interval') and hasattr(loop, 'run_epoch')
        done = loop.epoch if by_epoch else loop.iter
        if not done or done < loop.val_begin:
            return False
        end = loop.max_epochs if by_epoch else loop.max_iters
        return done % loop.val_interval == 0 or done == end

    def _save_checkpoint_with_step(self, runner: Runner, step: int,
                                   meta: dict) -> None:
        super()._save_checkpoint_with_step(runner, step, meta)
        if is_main_process():
            # again, since mmengine's way empties the file first
            with atomic_file(osp.join(runner.work_dir,
                                      'last_checkpoint')) as file:
                file.write(self.last_ckpt.encode())
            self.file_backend.flush()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        super()._save_best_checkpoint(runner, metrics)
        if is_main_process():
            self.file_backend.flush()
