# Copyright (c) mmevad authors. All rights reserved.
"""Both models, tiny, trained by ``tools/train.py`` in this process."""
import json
import runpy
import sys
from pathlib import Path
from typing import Dict, List, Optional

from mmengine.config import Config

from tests.test_configs.catalog import ROOT
from tests.test_configs.fixtures import write_dataset
from tests.test_configs.shrink import shrink

CONFIGS = dict(
    evad='evad/evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb.py',
    actionformer='actionformer/'
    'actionformer_evad-vit-tiny_1xb8-80x2x1-40e_synth-actors-rgb.py')


def write_config(root: Path, kind: str, work: Path, iterations: int) -> Config:
    """The shrunk config of a model, its data below ``root``, runs in ``work``.

    Batches of two, a constant learning rate, every iteration logged, a
    checkpoint and no validation at the end.
    """
    cfg = shrink(Config.fromfile(str(ROOT / 'configs' / CONFIGS[kind])))
    write_dataset(root, cfg.data_root)
    loader = cfg.train_dataloader
    # mmengine sleeps for two seconds where an epoch ends
    loader.update(
        batch_size=2,
        dataset=dict(
            type='RepeatDataset',
            times=2 * iterations,
            dataset=loader.pop('dataset')))
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop',
        max_iters=iterations,
        val_interval=10 * iterations)
    cfg.log_processor.by_epoch = False
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(
        by_epoch=False, interval=iterations, save_best=None)
    cfg.param_scheduler = []
    cfg.optim_wrapper.optimizer.lr = 1e-3
    cfg.work_dir = str(work / kind)
    return cfg


def train(cfg: Config, *options: str) -> Optional[str]:
    """Run ``tools/train.py`` with a config.

    Args:
        cfg (Config): Of :func:`write_config`.
        *options (str): More of the command line.

    Returns:
        str, optional: The sentence that it ends with, None if it succeeds.
    """
    path = cfg.work_dir + '_config.py'
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cfg.dump(path)
    before, sys.argv = sys.argv, ['train.py', path, *options]
    try:
        runpy.run_path(str(ROOT / 'tools/train.py'), run_name='__main__')
    except SystemExit as error:
        return str(error.code)
    finally:
        sys.argv = before
    return None


def losses_of(work_dir: str) -> List[Dict[str, float]]:
    """What was logged of each iteration, the newest run's."""
    path = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))[-1]
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if 'loss' in row]
