# Copyright (c) mmevad authors. All rights reserved.
"""Checkpoints that survive a kill at any moment."""
import glob
import os
import os.path as osp
import re
from typing import Any, List, Optional

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ..utils.atomic_file import PARTIAL, atomic_file


class _DeferredRemoval:
    """A storage backend that removes files and folders when told to."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._condemned: List[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._condemned.append(path)

    rmtree = remove

    def flush(self) -> None:
        for path in self._condemned:
            if self._backend.isfile(path):
                self._backend.remove(path)
            elif self._backend.isdir(path):  # of DeepSpeed and FSDP
                self._backend.rmtree(path)
        self._condemned.clear()


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, but there is a good checkpoint all the time.

    - Local checkpoints are written under another name first, so that a name
      never stands for half a file.
    - Old ones are removed after new ones are complete, also with
      ``max_keep_ckpts=1`` and for the best one.
    - A resumed run first makes the evaluation that was due at its
      checkpoint, unless the checkpoint holds its result.
    - It removes what a killed one had no time to remove.

    Args:
        backend_args (dict, optional): File client of a storage that is not
            local. Defaults to None.
        *args, **kwargs: Those of ``CheckpointHook``.
    """

    # with PersonAP's, so that save_best='auto' knows which way is up
    _default_greater_keys = [*CheckpointHook._default_greater_keys, 'AP@']

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
                self._remove_partial_files(runner)
        self.file_backend = _DeferredRemoval(self.file_backend)
        if runner._resume and is_main_process():
            self._remove_outdated(runner)
        if runner._resume and self._evaluation_is_due(runner):
            runner.logger.info('Evaluating the checkpoint, which was due.')
            # what it may save belongs to the checkpoint
            self.last_ckpt = runner.message_hub.get_info('last_ckpt', None)
            runner.val_loop.run()

    def _remove_partial_files(self, runner: Runner) -> None:
        """What killed runs left."""
        for folder in {self.out_dir, runner.work_dir}:
            pattern = osp.join(glob.escape(folder), f'*.[0-9]*{PARTIAL}')
            for path in glob.glob(pattern):
                os.remove(path)

    def _remove_outdated(self, runner: Runner) -> None:
        """Old checkpoints, if the kill came just after the new ones."""
        old = set()
        if 0 < self.max_keep_ckpts == len(self.keep_ckpt_ids):
            step = self.keep_ckpt_ids[0] - self.interval
            old.add(self.filename_tmpl.format(step))
        if self.save_best is not None:
            hub = runner.message_hub
            kept = {
                osp.basename(path)
                for name, path in hub.runtime_info.items()
                if name.startswith('best_ckpt') and path
            }
            for key in self.key_indicators:
                name = '.+' if key == 'auto' else re.escape(
                    key.replace('/', '_'))
                pattern = re.compile(rf'best_{name}_(epoch|iter)_\d+\.pth')
                old.update(
                    name for name in self.file_backend.list_dir_or_file(
                        self.out_dir, list_dir=False)
                    if pattern.fullmatch(name) and name not in kept)
        for name in old:
            self.file_backend.remove(
                self.file_backend.join_path(self.out_dir, name))
        self.file_backend.flush()

    @staticmethod
    def _steps_done(runner: Runner) -> int:
        """Epochs, or iterations where training is counted in them."""
        loop = runner.train_loop
        return loop.epoch if hasattr(loop, 'run_epoch') else loop.iter

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best; its checkpoint is known to be evaluated."""
        runner.message_hub.update_info('evaluated', self._steps_done(runner))
        super().after_val_epoch(runner, metrics)

    def _evaluation_is_due(self, runner: Runner) -> bool:
        loop = runner.train_loop
        if runner.val_loop is None:
            return False
        done = self._steps_done(runner)
        if done < max(loop.val_begin, 1) or \
                runner.message_hub.get_info('evaluated') == done:
            return False
        by_epoch = hasattr(loop, 'run_epoch')
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
